{{ unioned('touches') }}
