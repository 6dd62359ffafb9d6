{{ unioned("content") }}
