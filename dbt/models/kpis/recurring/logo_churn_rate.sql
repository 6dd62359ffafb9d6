select
    variant,
    entity,
    entity_key,
    entity_id,
    {{ customer_cuts() | join(", ") }},
    period_on,
    counts_in,
    1 - numerator as numerator,
    denominator,
    exclusion_reason
from {{ ref("customer_retention_rate") }}
