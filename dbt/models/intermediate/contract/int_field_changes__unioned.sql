{{ unioned('field_changes') }}
