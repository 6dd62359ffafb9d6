-- Customers that pay when a month ends. The company has every month since the first subscription.
with customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    {{ customer_member("monthly", "monthly.plan") }},
    monthly.month_start as period_on,
    cast(null as {{ dbt.type_string() }}) as side,
    monthly.mrr as numerator,
    1 as denominator,
    case when monthly.mrr is null then 'no_rate' end as exclusion_reason
from {{ ref("fct_mrr_monthly") }} as monthly
left join customers on monthly.customer_key = customers.customer_key

union all

select {{ month_member() }}
from {{ ref("int_mrr_spans") }}
where span = 'month'
