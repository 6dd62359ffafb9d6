{{ contract_records("files", "surveys") }}
