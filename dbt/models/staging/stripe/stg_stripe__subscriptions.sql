-- A subscription is one record for each stretch of its life in which status, plan and recurring
-- revenue stay as they are. What a stretch is worth that nobody can tell has a status of its own,
-- which recurring revenue leaves out and warns of.
with
    spans as (
        select
            spans.source_instance,
            spans.subscription,
            spans.valid_from,
            spans.valid_to,
            case
                when
                    {{ stripe_is_live("spans.status") }}
                    and mrr.valid_from is not null
                    and mrr.mrr is null
                then 'unknown_price'
                else coalesce(spans.status, 'unknown')
            end as status,
            coalesce(mrr.mrr, 0) as mrr,
            mrr.plan
        from {{ ref("int_stripe__subscription_spans") }} as spans
        left join
            {{ ref("int_stripe__mrr") }} as mrr
            on spans.source_instance = mrr.source_instance
            and spans.subscription = mrr.subscription
            and spans.valid_from = mrr.valid_from
    ),

    compared as (
        select
            *,
            case
                when
                    status = lag(status) over (
                        partition by source_instance, subscription order by valid_from
                    )
                    and mrr
                    = lag(mrr) over (partition by source_instance, subscription order by valid_from)
                    and plan is not distinct from lag(plan) over (
                        partition by source_instance, subscription order by valid_from
                    )
                then 0
                else 1
            end as is_other
        from spans
    ),

    numbered as (
        select
            *,
            sum(is_other) over (
                partition by source_instance, subscription
                order by valid_from
                rows between unbounded preceding and current row
            ) as number
        from compared
    ),

    stretches as (
        select
            source_instance,
            subscription,
            number,
            status,
            mrr,
            plan,
            min(valid_from) as started_at,
            case when count(*) = count(valid_to) then max(valid_to) end as ended_at
        from numbered
        group by source_instance, subscription, number, status, mrr, plan
    ),

    described as (
        select
            subscriptions.source_instance,
            stretches.subscription
            || '/'
            || replace(
                cast(stretches.started_at as {{ dbt.type_string() }}), ' ', 'T'
            ) as source_id,
            subscriptions.source_row,
            subscriptions.source_updated_at,
            subscriptions.loaded_at,
            subscriptions.customer,
            case
                when
                    stretches.ended_at = subscriptions.ended_at
                    and {{ stripe_is_live("stretches.status") }}
                then 'canceled'
                else stretches.status
            end as status,
            stretches.started_at,
            stretches.ended_at,
            subscriptions.currency,
            stretches.mrr,
            stretches.plan
        from stretches
        inner join
            {{ ref("int_stripe__subscriptions") }} as subscriptions
            on stretches.source_instance = subscriptions.source_instance
            and stretches.subscription = subscriptions.subscription
    ),

    final as (
        select
            {{ staged_record_columns("stripe", "subscriptions", "described", is_deleted="false") }},
            {{ no_extra_of("subscriptions") }}
            described.customer as customer_id,
            described.status,
            described.started_at,
            described.ended_at,
            {{ currency_code("described.currency") }} as currency,
            described.mrr,
            described.plan
        from described
    )

select *
from final
