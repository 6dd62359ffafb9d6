{{ unioned('payments') }}
