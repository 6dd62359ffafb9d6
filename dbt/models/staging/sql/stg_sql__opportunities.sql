{{ contract_records("sql", "opportunities") }}
