{{ unioned("fx_rates") }}
