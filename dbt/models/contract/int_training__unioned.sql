{{ unioned("training") }}
