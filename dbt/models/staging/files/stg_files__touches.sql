{{ contract_records("files", "touches") }}
