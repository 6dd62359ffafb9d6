{{ contract_records("files", "opportunities") }}
