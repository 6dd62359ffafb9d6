{{ increment("clocked", of=["int_kpi_deals"], materialized="view") }}
select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    case when status = 'no_decision' then 1 else 0 end as numerator,
    1 as denominator,
    closed_exclusion as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status in ('won', 'lost', 'no_decision')
