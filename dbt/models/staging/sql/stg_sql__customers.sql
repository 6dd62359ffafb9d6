{{ contract_records("sql", "customers") }}
