select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    coalesce(closed_exclusion, case when amount is null then 'no_amount' end) as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status = 'won'
