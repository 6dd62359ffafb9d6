{{ contract_records("sql", "campaigns") }}
