{{ unioned("touches") }}
