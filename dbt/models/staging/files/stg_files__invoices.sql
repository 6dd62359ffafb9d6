{{ contract_records("files", "invoices") }}
