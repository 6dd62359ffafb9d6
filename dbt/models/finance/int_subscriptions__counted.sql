-- Subscriptions with what their words of state mean: which of them recurring revenue counts, and
-- why the others are left out of it. What has ended counts up to its end. Where that is a bare day,
-- and the customer's next term begins on the day after, nobody left: it ends with that beginning,
-- be that still to come.
with
    subscriptions as (
        select *, {{ subscription_standing("status") }} as standing
        from {{ ref("int_subscriptions__unioned") }}
        where not is_deleted
    ),

    counted as (
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
    ),

    next_terms as (
        select
            source_instance,
            customer_id,
            {{ local_day("started_at") }} as started_on,
            min(started_at) as started_at
        from ({{ staged_records("subscriptions") }}) as records
        where
            not is_deleted
            and mrr > 0
            and {{ subscription_standing("status") }} in ('counts', 'counted')
        group by source_instance, customer_id, {{ local_day("started_at") }}
    ),

    ends as (
        select
            *,
            case
                when
                    {{ is_bare_day("ended_at") }}
                    or ended_at
                    >= {{ day_start(dbt.dateadd("day", 1, local_day("ended_at"))) }}
                    - interval '1 second'
                then cast({{ dbt.dateadd("day", 1, local_day("ended_at")) }} as date)
            end as day_after
        from counted
    )

select
    ends.subscription_key,
    ends.subscription_id,
    ends.source_instance,
    ends.customer_key,
    ends.customer_id,
    ends.status,
    ends.plan,
    ends.started_at,
    coalesce(next_terms.started_at, ends.ended_at) as ended_at,
    ends.currency,
    ends.mrr_native,
    ends.exclusion_reason
from ends
left join
    next_terms
    on ends.source_instance = next_terms.source_instance
    and ends.customer_id = next_terms.customer_id
    and ends.day_after = next_terms.started_on
