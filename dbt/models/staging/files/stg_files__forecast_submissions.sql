{{ contract_records("files", "forecast_submissions") }}
