{{ contract_records("sql", "contacts") }}
