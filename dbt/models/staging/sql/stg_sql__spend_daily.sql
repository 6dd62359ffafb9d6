{{ contract_records("sql", "spend_daily") }}
