{{ contract_records("files", "pipeline_stages") }}
