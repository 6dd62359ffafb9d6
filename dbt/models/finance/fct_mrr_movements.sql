{%- set movements = ["new", "expansion", "contraction", "churn", "reactivation"] -%}
-- One row per customer and month in which it pays at the beginning or at the end: from one state to
-- the other. What it paid is seen at the rate of the month's end, too: the difference of rates is
-- currency, what is left of the change is one movement.
with
    months as (select * from {{ ref("int_mrr_compared") }} where span = 'month'),

    firsts as (
        select customer_key, min(started_at) as first_paid_at
        from {{ ref("int_subscriptions__counted") }} as subscriptions
        where {{ brings_revenue("subscriptions") }}
        group by customer_key
    ),

    moved as (
        select
            months.*,
            months.closing - months.revalued as difference,
            case
                when not months.paid_then and firsts.first_paid_at > months.from_at
                then 'new'
                when not months.paid_then
                then 'reactivation'
                when not months.pays_now
                then 'churn'
                when months.closing > months.revalued
                then 'expansion'
                when months.closing < months.revalued
                then 'contraction'
            end as movement
        from months
        inner join firsts on months.customer_key = firsts.customer_key
    )

select
    month_start,
    to_on as ends_on,
    customer_key,
    cast(plan as {{ dbt.type_string() }}) as plan,
    cast(movement as {{ dbt.type_string() }}) as movement,
    cast(opening as {{ numeric_type() }}) as opening,
    {%- for name in movements %}
        cast(
            case
                when movement = '{{ name }}'
                then difference
                {%- if name in ("expansion", "contraction") %}
                    when movement is null and difference is null then null
                {%- endif %}
                else 0
            end as {{ numeric_type() }}
        ) as {{ name }},
    {%- endfor %}
    cast(revalued - opening as {{ numeric_type() }}) as currency,
    cast(closing as {{ numeric_type() }}) as closing
from moved
