-- Customers with a movement of a month, or with one that a missing rate leaves open.
with
    customers as (select * from {{ ref("dim_customer") }}),

    movements as (
        select *, new + expansion + reactivation as gained, - (contraction + churn) as lost
        from {{ ref("fct_mrr_movements") }}
    )

select
    'default' as variant,
    {{ customer_member("movements", "movements.plan") }},
    movements.month_start as period_on,
    movements.gained as numerator,
    movements.lost as denominator,
    case
        when movements.gained is null or movements.lost is null then 'no_rate'
    end as exclusion_reason
from movements
left join customers on movements.customer_key = customers.customer_key
where movements.movement is not null or movements.gained is null
