{{ config(meta={"dagster": {"ref": {"name": "fct_mrr_movements"}}}) }}
-- Movements that do not lead from opening to closing, states that are not the month's, and closings
-- that are not the next month's opening, where no rate is missing.
with
    movements as (select * from {{ ref("fct_mrr_movements") }}),

    states as (select * from {{ ref("fct_mrr_monthly") }}),

    following as (
        select movements.*, cast({{ dbt.dateadd("month", 1, "month_start") }} as date) as next_month
        from movements
    )

select customer_key, month_start, 'movements' as wrong
from movements
where opening + new + expansion + contraction + churn + reactivation + currency <> closing

union all

select
    coalesce(movements.customer_key, states.customer_key) as customer_key,
    coalesce(movements.month_start, states.month_start) as month_start,
    'state' as wrong
from movements
full join
    states
    on movements.customer_key = states.customer_key
    and movements.month_start = states.month_start
where
    movements.customer_key is null
    or movements.closing <> coalesce(states.mrr, movements.closing)
    or (states.customer_key is null and movements.closing <> 0)

union all

select following.customer_key, following.month_start, 'next opening' as wrong
from following
left join
    movements
    on following.customer_key = movements.customer_key
    and following.next_month = movements.month_start
where
    following.closing <> 0
    and following.next_month <= {{ current_month() }}
    and following.closing is distinct from movements.opening
