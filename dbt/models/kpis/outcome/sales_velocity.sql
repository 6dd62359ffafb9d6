{{ increment("clocked", of=["int_kpi_deals"], materialized="view") }}
-- The closed deals. What they come to follows from other metrics, as the YAML beside says.
select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    cast(null as integer) as numerator,
    cast(null as integer) as denominator,
    closed_exclusion as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status in ('won', 'lost', 'no_decision')
