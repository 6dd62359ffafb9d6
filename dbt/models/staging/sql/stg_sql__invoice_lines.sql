{{ contract_records("sql", "invoice_lines") }}
