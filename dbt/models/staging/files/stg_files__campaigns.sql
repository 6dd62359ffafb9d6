{{ contract_records("files", "campaigns") }}
