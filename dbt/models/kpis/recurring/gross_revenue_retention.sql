select
    variant,
    entity,
    entity_key,
    entity_id,
    {{ customer_cuts() | join(", ") }},
    period_on,
    case when exclusion_reason is null then least(numerator, denominator) end as numerator,
    denominator,
    exclusion_reason
from {{ ref("net_revenue_retention") }}
