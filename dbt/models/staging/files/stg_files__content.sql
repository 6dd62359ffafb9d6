{{ contract_records("files", "content") }}
