{{ unioned('invoice_lines') }}
