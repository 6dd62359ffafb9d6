{{ contract_records("sql", "leads") }}
