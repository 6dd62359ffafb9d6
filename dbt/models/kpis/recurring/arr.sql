select
    variant,
    entity,
    entity_key,
    entity_id,
    {{ customer_cuts() | join(", ") }},
    period_on,
    side,
    12 * numerator as numerator,
    denominator,
    exclusion_reason
from {{ ref("mrr") }}
