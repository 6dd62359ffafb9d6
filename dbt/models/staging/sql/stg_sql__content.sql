{{ contract_records("sql", "content") }}
