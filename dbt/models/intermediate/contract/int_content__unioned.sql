{{ unioned('content') }}
