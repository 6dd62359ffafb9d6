{{ unioned("forecast_submissions") }}
