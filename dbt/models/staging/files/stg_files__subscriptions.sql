{{ contract_records("files", "subscriptions") }}
