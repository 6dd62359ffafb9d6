{{ contract_records("sql", "quotas") }}
