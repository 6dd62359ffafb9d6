{{ contract_records("files", "users") }}
