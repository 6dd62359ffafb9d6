{{ unioned('surveys') }}
