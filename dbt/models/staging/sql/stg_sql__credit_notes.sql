{{ contract_records("sql", "credit_notes") }}
