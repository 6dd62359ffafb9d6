{{ contract_records("files", "payments") }}
