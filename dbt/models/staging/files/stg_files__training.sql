{{ contract_records("files", "training") }}
