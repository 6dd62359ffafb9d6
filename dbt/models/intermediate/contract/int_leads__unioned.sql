{{ unioned('leads') }}
