{{ contract_records("files", "credit_notes") }}
