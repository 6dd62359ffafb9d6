{{ increment("clocked", of=["int_kpi_deals"], materialized="view") }}
select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    1 as numerator,
    cast(null as integer) as denominator,
    closed_exclusion as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status = 'won'
