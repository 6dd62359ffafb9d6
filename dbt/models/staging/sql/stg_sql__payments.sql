{{ contract_records("sql", "payments") }}
