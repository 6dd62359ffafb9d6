{{ unioned("campaigns") }}
