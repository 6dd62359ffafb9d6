{{ contract_records("sql", "fx_rates") }}
