{{ unioned('costs') }}
