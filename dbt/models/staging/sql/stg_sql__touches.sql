{{ contract_records("sql", "touches") }}
