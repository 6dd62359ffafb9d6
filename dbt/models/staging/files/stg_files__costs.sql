{{ contract_records("files", "costs") }}
