{{ unioned('customers') }}
