{{ unioned("leads") }}
