{{ config(materialized="table") }}
-- What each subscription was, from which moment to which: told by events from the first moment on
-- at which it is known, a guess before. Of the past nobody tells when somebody ceased to pay or to
-- be billed: it was active, but for its trial and where it never began. What is paused was so since
-- its trial ended without a way to pay: there is no other way to become so.
with
    subscriptions as (select * from {{ ref("int_stripe__subscriptions") }}),

    told as (
        select
            source_instance,
            source_id as state,
            subscription,
            began_at,
            known_from,
            status,
            pause_behavior,
            row_number() over (
                partition by source_instance, subscription, known_from
                order by loaded_at desc, source_row desc, source_id desc
            ) as choice
        from ({{ stripe_records("subscription_states") }}) as states
    ),

    in_order as (
        select
            source_instance,
            state,
            subscription,
            began_at,
            known_from,
            status,
            pause_behavior,
            lag(known_from) over (
                partition by source_instance, subscription order by known_from
            ) as previous_from,
            coalesce(
                lead(known_from) over (
                    partition by source_instance, subscription order by known_from
                ),
                {{ end_of_time() }}
            ) as valid_to
        from told
        where choice = 1
    ),

    -- What bills show is better than a guess: before the first state, and where loads were too far
    -- apart for the events between them.
    known as (
        select
            states.source_instance,
            states.subscription,
            states.state,
            states.known_from as valid_from,
            states.valid_to,
            case
                when
                    states.pause_behavior in ('void', 'mark_uncollectible')
                    and {{ stripe_is_live("states.status") }}
                then 'paused'
                else states.status
            end as status,
            false as is_guess,
            case
                when states.previous_from is null
                then {{ beginning_of_time() }}
                when states.began_at < states.known_from
                then greatest(states.began_at, states.previous_from)
            end as billed_from
        from in_order as states
    ),

    guessed as (
        select
            states.source_instance,
            states.subscription,
            states.state,
            subscriptions.began_at as valid_from,
            states.known_from as valid_to,
            case
                when states.status in ('incomplete', 'incomplete_expired', 'paused')
                then states.status
                else 'active'
            end as status,
            true as is_guess,
            cast(null as timestamp) as billed_from
        from in_order as states
        inner join
            subscriptions
            on states.source_instance = subscriptions.source_instance
            and states.subscription = subscriptions.subscription
        where states.previous_from is null and subscriptions.began_at < states.known_from
    )

select *
from known

union all

select *
from guessed
