{{ contract_records("sql", "users") }}
