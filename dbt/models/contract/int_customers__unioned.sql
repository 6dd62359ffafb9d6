{{ unioned("customers") }}
