{{ contract_records("sql", "field_changes") }}
