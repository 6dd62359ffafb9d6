{{ config(materialized="table") }}
-- What each item of a subscription was, from which moment to which: price and quantity as its
-- states tell them, and before these as its bills do. A bill shows what was billed from the
-- beginning of its period on, one for a change amid a period what it was changed to, and a credit
-- without a new charge that the item was taken away.
with
    states as (select * from {{ ref("int_stripe__states") }}),

    known_states as (select * from states where not is_guess),

    state_items as ({{ stripe_records("subscription_state_items") }}),

    metered as (
        select source_instance, source_id as price
        from ({{ stripe_records("prices") }}) as prices
        where usage_type = 'metered'
    ),

    -- Of a price with tiers an invoice has a line for each tier, and one for each flat amount, of
    -- no
    -- unit: together they are the quantity.
    lines as (
        select
            source_instance,
            subscription,
            subscription_item as item,
            price,
            sum(quantity) as quantity,
            period_start,
            period_end,
            is_proration,
            is_credit,
            max(source_id) as source_id
        from ({{ stripe_records("invoice_lines") }}) as of_tiers
        group by
            source_instance,
            invoice,
            subscription,
            subscription_item,
            price,
            period_start,
            period_end,
            is_proration,
            is_credit,
            case when is_proration then source_id end
    ),

    charges as (
        select
            source_instance,
            subscription,
            item,
            price,
            quantity,
            period_start,
            period_end,
            is_proration,
            is_credit,
            source_id
        from lines

        union all

        select
            source_instance,
            subscription,
            subscription_item as item,
            price,
            quantity,
            period_start,
            period_end,
            is_proration,
            is_credit,
            source_id
        from ({{ stripe_records("invoice_items") }}) as pending
    ),

    -- What was used is not what was promised: of a metered price a bill shows that it was there.
    of_items as (
        select
            charges.source_instance,
            charges.subscription,
            charges.item,
            charges.price,
            case
                when metered.price is null then coalesce(charges.quantity, 1) else 1
            end as quantity,
            charges.period_start as seen_at,
            charges.period_end,
            coalesce(charges.is_proration, false) as is_proration,
            coalesce(charges.is_credit, false) as is_credit,
            row_number() over (
                partition by
                    charges.source_instance,
                    charges.subscription,
                    charges.item,
                    charges.period_start
                order by
                    case when charges.is_credit then 1 else 0 end,
                    case when charges.is_proration then 0 else 1 end,
                    charges.source_id desc
            ) as choice
        from charges
        left join
            metered
            on charges.source_instance = metered.source_instance
            and charges.price = metered.price
        where
            charges.subscription is not null
            and charges.item is not null
            and charges.price is not null
            and charges.period_start is not null
    ),

    billed as (
        select
            of_items.source_instance,
            of_items.subscription,
            of_items.item,
            states.state,
            states.valid_from as known_from,
            states.billed_from,
            of_items.price,
            of_items.quantity,
            of_items.seen_at,
            of_items.period_end,
            of_items.is_proration,
            of_items.is_credit,
            min(of_items.seen_at) over (
                partition by of_items.source_instance, of_items.subscription, states.state
            ) as first_seen_at,
            lead(of_items.seen_at) over (
                partition by
                    of_items.source_instance, of_items.subscription, of_items.item, states.state
                order by of_items.seen_at
            ) as next_seen_at
        from of_items
        inner join
            known_states as states
            on of_items.source_instance = states.source_instance
            and of_items.subscription = states.subscription
            and of_items.seen_at >= states.billed_from
            and of_items.seen_at < states.valid_from
        where of_items.choice = 1
    ),

    items as (
        select source_instance, subscription, item
        from state_items

        union

        select source_instance, subscription, item
        from billed
    ),

    -- Whatever belongs to a subscription in any of its states, in each of them; without a price
    -- where the state does not have it.
    snapshots as (
        select
            items.source_instance,
            items.subscription,
            items.item,
            states.state,
            states.valid_from,
            states.billed_from,
            state_items.price,
            case
                when state_items.price is not null then coalesce(state_items.quantity, 1)
            end as quantity
        from items
        inner join
            known_states as states
            on items.source_instance = states.source_instance
            and items.subscription = states.subscription
        left join
            state_items
            on states.source_instance = state_items.source_instance
            and states.state = state_items.state
            and items.item = state_items.item
    ),

    -- A subscription had what its first bill shows since it began, and what it has now if there is
    -- no bill.
    entries as (
        select
            source_instance, subscription, item, valid_from as at_moment, price, quantity, 2 as rank
        from snapshots

        union all

        select
            billed.source_instance,
            billed.subscription,
            billed.item,
            case
                when
                    billed.billed_from = {{ beginning_of_time() }}
                    and (
                        billed.seen_at < subscriptions.began_at
                        or (billed.seen_at = billed.first_seen_at and not billed.is_proration)
                    )
                then subscriptions.began_at
                else billed.seen_at
            end as at_moment,
            case when not billed.is_credit then billed.price end as price,
            case when not billed.is_credit then billed.quantity end as quantity,
            1 as rank
        from billed
        inner join
            {{ ref("int_stripe__subscriptions") }} as subscriptions
            on billed.source_instance = subscriptions.source_instance
            and billed.subscription = subscriptions.subscription

        union all

        select
            billed.source_instance,
            billed.subscription,
            billed.item,
            billed.period_end as at_moment,
            null as price,
            null as quantity,
            1 as rank
        from billed
        inner join
            snapshots
            on billed.source_instance = snapshots.source_instance
            and billed.state = snapshots.state
            and billed.item = snapshots.item
        where
            billed.next_seen_at is null
            and not billed.is_credit
            and snapshots.price is null
            and billed.period_end < billed.known_from

        union all

        select
            states.source_instance,
            states.subscription,
            state_items.item,
            states.valid_from as at_moment,
            state_items.price,
            coalesce(state_items.quantity, 1) as quantity,
            0 as rank
        from states
        inner join
            state_items
            on states.source_instance = state_items.source_instance
            and states.state = state_items.state
        left join
            (select distinct source_instance, subscription, state from billed) as with_bills
            on states.source_instance = with_bills.source_instance
            and states.state = with_bills.state
        where states.is_guess and with_bills.state is null
    ),

    of_moments as (
        select
            *,
            row_number() over (
                partition by source_instance, subscription, item, at_moment
                order by rank desc, case when price is null then 1 else 0 end, price, quantity
            ) as choice
        from entries
    ),

    compared as (
        select
            source_instance,
            subscription,
            item,
            at_moment,
            price,
            quantity,
            lag(price) over (
                partition by source_instance, subscription, item order by at_moment
            ) as previous_price,
            lag(quantity) over (
                partition by source_instance, subscription, item order by at_moment
            ) as previous_quantity
        from of_moments
        where choice = 1
    ),

    spans as (
        select
            source_instance,
            subscription,
            item,
            price,
            quantity,
            at_moment as valid_from,
            coalesce(
                lead(at_moment) over (
                    partition by source_instance, subscription, item order by at_moment
                ),
                {{ end_of_time() }}
            ) as valid_to
        from compared
        where price is distinct from previous_price or quantity is distinct from previous_quantity
    )

select *
from spans
where price is not null
