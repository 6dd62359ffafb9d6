{{ contract_records("sql", "costs") }}
