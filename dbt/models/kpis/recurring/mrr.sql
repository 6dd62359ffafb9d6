-- Subscriptions that are active when a month ends, those that do not count included. The company
-- has every month since the first that counts.
with
    months as (select month_start, to_at from {{ ref("int_mrr_spans") }} where span = 'month'),

    subscriptions as (select * from {{ ref("int_subscriptions_at") }} where mrr_native <> 0),

    customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    'subscription' as entity,
    subscriptions.subscription_key as entity_key,
    subscriptions.subscription_id as entity_id,
    {{ customer_cuts_of("customers", "subscriptions.plan") }},
    months.month_start as period_on,
    cast(null as {{ dbt.type_string() }}) as side,
    subscriptions.mrr as numerator,
    cast(null as {{ numeric_type() }}) as denominator,
    coalesce(
        subscriptions.exclusion_reason,
        {{ amount_exclusion("subscriptions.mrr_native", "subscriptions.mrr") }}
    ) as exclusion_reason
from months
inner join subscriptions on months.to_at = subscriptions.moment
left join customers on subscriptions.customer_key = customers.customer_key

union all

select {{ month_member() }}
from months
