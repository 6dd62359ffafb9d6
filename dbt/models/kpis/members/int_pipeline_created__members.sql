{%- set creation_exclusion -%}
    coalesce(removal, case when created_on is null then 'no_created_at' end)
{%- endset -%}
select
    'default' as variant,
    {{ deal_member() }},
    created_on as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    coalesce(
        {{ creation_exclusion }}, case when amount is null then 'no_amount' end
    ) as exclusion_reason
from {{ ref("int_kpi_deals") }}

union all

select
    'count' as variant,
    {{ deal_member() }},
    created_on as period_on,
    1 as numerator,
    cast(null as integer) as denominator,
    {{ creation_exclusion }} as exclusion_reason
from {{ ref("int_kpi_deals") }}
