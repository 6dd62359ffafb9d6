{{ unioned("users") }}
