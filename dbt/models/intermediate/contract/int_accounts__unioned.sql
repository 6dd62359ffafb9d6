{{ unioned('accounts') }}
