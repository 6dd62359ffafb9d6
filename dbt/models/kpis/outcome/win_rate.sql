{{ increment("clocked", of=["int_kpi_deals"], materialized="view") }}
{%- set won = "case when status = 'won' then 1 else 0 end" -%}
select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    cast({{ won }} as {{ numeric_type() }}) as numerator,
    cast(1 as {{ numeric_type() }}) as denominator,
    closed_exclusion as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status in ('won', 'lost', 'no_decision')

union all

select
    'decided' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    {{ won }} as numerator,
    1 as denominator,
    closed_exclusion as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status in ('won', 'lost')

union all

select
    'by_value' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    {{ won }} * amount as numerator,
    amount as denominator,
    coalesce(
        closed_exclusion, {{ amount_exclusion("amount_native", "amount") }}
    ) as exclusion_reason
from {{ ref("int_kpi_deals") }}
where status in ('won', 'lost', 'no_decision')

union all

select
    'cohort' as variant,
    {{ deal_member() }},
    created_on as period_on,
    {{ won }} as numerator,
    1 as denominator,
    coalesce(removal, case when created_on is null then 'no_created_at' end) as exclusion_reason
from {{ ref("int_kpi_deals") }}
