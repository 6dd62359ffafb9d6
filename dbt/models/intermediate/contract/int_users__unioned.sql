{{ unioned('users') }}
