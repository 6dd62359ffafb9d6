{{ contract_records("files", "experiments") }}
