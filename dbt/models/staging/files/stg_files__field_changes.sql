{{ contract_records("files", "field_changes") }}
