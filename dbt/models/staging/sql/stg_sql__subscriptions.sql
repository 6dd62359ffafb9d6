{{ contract_records("sql", "subscriptions") }}
