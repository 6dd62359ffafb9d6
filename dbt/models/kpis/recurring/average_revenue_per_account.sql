{%- set text = dbt.type_string() -%}
-- Customers that pay when a month ends. The company has every month since the first subscription.
with customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    {{ customer_member("monthly", "monthly.plan") }},
    monthly.month_start as period_on,
    cast(null as {{ text }}) as side,
    monthly.mrr as numerator,
    1 as denominator,
    case when monthly.mrr is null then 'no_rate' end as exclusion_reason
from {{ ref("fct_mrr_monthly") }} as monthly
left join customers on monthly.customer_key = customers.customer_key

union all

select
    'default' as variant,
    'customer' as entity,
    cast(null as {{ text }}) as entity_key,
    cast(null as {{ text }}) as entity_id,
    {%- for cut in customer_cuts() %} cast(null as {{ text }}) as {{ cut }}, {%- endfor %}
    month_start as period_on,
    'numerator' as side,
    0 as numerator,
    cast(null as integer) as denominator,
    cast(null as {{ text }}) as exclusion_reason
from {{ ref("int_mrr_spans") }}
where span = 'month'
