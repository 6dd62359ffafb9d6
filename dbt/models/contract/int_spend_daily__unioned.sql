{{ unioned("spend_daily") }}
