-- Subscriptions with what their words of state mean: which of them recurring revenue counts, and
-- why the others are left out of it. What has ended counts up to its end.
with
    subscriptions as (
        select *, {{ subscription_standing("status") }} as standing
        from {{ ref("int_subscriptions__unioned") }}
        where not is_deleted
    )

select
    subscriptions.subscription_key,
    subscriptions.source_id as subscription_id,
    subscriptions.source_instance,
    customers.customer_key,
    subscriptions.customer_id,
    subscriptions.status,
    {{ or_none("subscriptions.plan") }} as plan,
    subscriptions.started_at,
    subscriptions.ended_at,
    coalesce(subscriptions.currency, '{{ var("currency") }}') as currency,
    subscriptions.mrr as mrr_native,
    case
        when subscriptions.standing is null
        then 'unknown_status'
        when subscriptions.standing = 'does_not_count'
        then 'status_does_not_count'
        when subscriptions.standing = 'counted' and subscriptions.ended_at is null
        then 'no_ended_at'
        when subscriptions.mrr < 0
        then 'negative_mrr'
    end as exclusion_reason
from subscriptions
inner join
    {{ ref("int_customer_ids") }} as customers
    on subscriptions.source_instance = customers.source_instance
    and subscriptions.customer_id = customers.customer_id
