{{ contract_records("files", "spend_daily") }}
