{{ unioned('opportunities') }}
