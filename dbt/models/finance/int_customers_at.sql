-- One row per customer and moment of the spans at which it pays: its recurring revenue at the rate
-- of the day, NULL where one is missing, and the plan with the most of it.
with
    subscriptions as (
        select *
        from {{ ref("int_subscriptions_at") }}
        where exclusion_reason is null and mrr_native > 0
    ),

    plans as (
        select
            moment,
            day,
            customer_key,
            plan,
            {{ whole_sum("mrr") }} as mrr,
            count(*) as n_subscriptions
        from subscriptions
        group by moment, day, customer_key, plan
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by customer_key, moment
                order by mrr desc nulls last, {{ by_bytes("plan") }}
            ) as rank
        from plans
    )

select
    moment,
    day,
    customer_key,
    {{ whole_sum("mrr") }} as mrr,
    max(case when rank = 1 then plan end) as plan,
    sum(n_subscriptions) as n_subscriptions
from ranked
group by moment, day, customer_key
