{{ unioned('spend_daily') }}
