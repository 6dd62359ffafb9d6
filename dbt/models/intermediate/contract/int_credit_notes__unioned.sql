{{ unioned('credit_notes') }}
