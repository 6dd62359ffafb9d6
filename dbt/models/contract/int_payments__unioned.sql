{{ unioned("payments") }}
