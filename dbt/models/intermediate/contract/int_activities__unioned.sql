{{ unioned("activities") }}
