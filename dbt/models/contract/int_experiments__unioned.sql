{{ unioned("experiments") }}
