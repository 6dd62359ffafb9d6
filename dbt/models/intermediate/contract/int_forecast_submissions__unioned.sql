{{ unioned('forecast_submissions') }}
