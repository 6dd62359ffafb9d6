{{ contract_records("files", "quotas") }}
