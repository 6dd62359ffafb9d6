{{ contract_records("sql", "surveys") }}
