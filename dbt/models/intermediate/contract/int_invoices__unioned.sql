{{ unioned('invoices') }}
