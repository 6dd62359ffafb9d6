{{ contract_records("files", "contacts") }}
