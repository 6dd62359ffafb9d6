{{ unioned('contacts') }}
