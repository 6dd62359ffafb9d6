{{ unioned("accounts") }}
