-- One row per customer and month at whose end, or now, it pays recurring revenue.
select
    months.month_start,
    months.to_on as ends_on,
    customers.customer_key,
    cast(customers.mrr as {{ numeric_type() }}) as mrr,
    cast(customers.plan as {{ dbt.type_string() }}) as plan,
    cast(customers.n_subscriptions as bigint) as n_subscriptions
from {{ ref("int_customers_at") }} as customers
inner join {{ ref("int_mrr_spans") }} as months on customers.moment = months.to_at
where months.span = 'month'
