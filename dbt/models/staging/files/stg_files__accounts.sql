{{ contract_records("files", "accounts") }}
