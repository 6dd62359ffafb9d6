{{ config(materialized="table") }}
-- The life of each subscription, cut wherever its status, its items or its discounts change, with
-- its status in each span.
with
    subscriptions as (select * from {{ ref("int_stripe__subscriptions") }}),

    states as (select * from {{ ref("int_stripe__states") }}),

    item_spans as (select * from {{ ref("int_stripe__item_spans") }}),

    discounts as (select * from {{ ref("int_stripe__discounts") }}),

    moments as (
        select source_instance, subscription, began_at as cut_at
        from subscriptions

        union

        select source_instance, subscription, trial_start as cut_at
        from subscriptions

        union

        select source_instance, subscription, trial_end as cut_at
        from subscriptions

        union

        select source_instance, subscription, valid_from as cut_at
        from states

        union

        select source_instance, subscription, valid_from as cut_at
        from item_spans

        union

        select source_instance, subscription, valid_to as cut_at
        from item_spans

        union

        select source_instance, subscription, begins_at as cut_at
        from discounts

        union

        select source_instance, subscription, ends_at as cut_at
        from discounts
    ),

    cuts as (
        select
            subscriptions.source_instance,
            subscriptions.subscription,
            subscriptions.currency,
            subscriptions.trial_start,
            subscriptions.trial_end,
            moments.cut_at as valid_from,
            coalesce(
                lead(moments.cut_at) over (
                    partition by subscriptions.source_instance, subscriptions.subscription
                    order by moments.cut_at
                ),
                subscriptions.ended_at
            ) as valid_to
        from subscriptions
        inner join
            moments
            on subscriptions.source_instance = moments.source_instance
            and subscriptions.subscription = moments.subscription
        where
            moments.cut_at = subscriptions.began_at
            or (
                moments.cut_at > subscriptions.began_at
                and moments.cut_at < coalesce(subscriptions.ended_at, {{ end_of_time() }})
            )
    )

select
    cuts.source_instance,
    cuts.subscription,
    cuts.currency,
    cuts.valid_from,
    cuts.valid_to,
    case
        when
            coalesce(states.is_guess, true)
            and cuts.valid_from >= cuts.trial_start
            and cuts.valid_from < cuts.trial_end
        then 'trialing'
        when states.is_guess and states.status = 'paused' and cuts.valid_from < cuts.trial_start
        then 'active'
        else states.status
    end as status
from cuts
left join
    states
    on cuts.source_instance = states.source_instance
    and cuts.subscription = states.subscription
    and states.valid_from <= cuts.valid_from
    and states.valid_to > cuts.valid_from
