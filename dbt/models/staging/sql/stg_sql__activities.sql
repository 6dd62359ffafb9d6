{{ contract_records("sql", "activities") }}
