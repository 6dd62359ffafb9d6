{{ contract_records("sql", "accounts") }}
