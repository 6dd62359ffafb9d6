{{ unioned("quotas") }}
