{{ contract_records("sql", "forecast_submissions") }}
