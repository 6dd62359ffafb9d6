{{ contract_records("files", "activities") }}
