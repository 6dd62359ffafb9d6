{{ unioned('activities') }}
