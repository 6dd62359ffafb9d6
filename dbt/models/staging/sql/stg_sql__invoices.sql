{{ contract_records("sql", "invoices") }}
