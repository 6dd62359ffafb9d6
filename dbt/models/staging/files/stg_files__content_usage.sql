{{ contract_records("files", "content_usage") }}
