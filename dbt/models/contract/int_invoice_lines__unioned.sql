{{ unioned("invoice_lines") }}
