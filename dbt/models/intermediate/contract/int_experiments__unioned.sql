{{ unioned('experiments') }}
