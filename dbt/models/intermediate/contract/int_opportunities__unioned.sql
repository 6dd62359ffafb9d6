{{ unioned("opportunities") }}
