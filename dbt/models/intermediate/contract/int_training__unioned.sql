{{ unioned('training') }}
