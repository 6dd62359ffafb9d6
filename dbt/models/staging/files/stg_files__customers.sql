{{ contract_records("files", "customers") }}
