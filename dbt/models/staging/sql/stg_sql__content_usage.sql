{{ contract_records("sql", "content_usage") }}
