{{ unioned("surveys") }}
