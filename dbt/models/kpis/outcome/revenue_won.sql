{{ increment("clocked", of=["int_kpi_deals"], materialized="view") }}
select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    coalesce(
        closed_exclusion, {{ amount_exclusion("amount_native", "amount") }}
    ) as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status = 'won'
