{{ contract_records("sql", "pipeline_stages") }}
