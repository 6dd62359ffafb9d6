-- Customers whose movement of a month is `new`.
with customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    {{ customer_member("movements", "movements.plan") }},
    movements.month_start as period_on,
    movements.new as numerator,
    cast(null as {{ numeric_type() }}) as denominator,
    case when movements.new is null then 'no_rate' end as exclusion_reason
from {{ ref("fct_mrr_movements") }} as movements
left join customers on movements.customer_key = customers.customer_key
where movements.movement = 'new'
