{{ unioned("costs") }}
