{{ contract_records("files", "fx_rates") }}
