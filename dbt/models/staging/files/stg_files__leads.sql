{{ contract_records("files", "leads") }}
