{{ unioned("invoices") }}
