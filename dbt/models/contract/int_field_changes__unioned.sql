{{ unioned("field_changes") }}
