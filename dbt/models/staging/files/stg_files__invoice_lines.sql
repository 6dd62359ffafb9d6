{{ contract_records("files", "invoice_lines") }}
