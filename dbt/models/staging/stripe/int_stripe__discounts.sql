{{ config(materialized="table") }}
-- Discounts that go on for ever, of subscriptions and their items, with what they take off and in
-- which order: those of items first. One of a customer is each of its subscriptions', while that
-- has none of its own.
with
    -- A coupon that can no longer be given is still in use.
    coupons as ({{ latest_versions("stripe", "coupons") }}),

    items as (
        select distinct source_instance, item, subscription from {{ ref("int_stripe__item_spans") }}
    ),

    subscriptions as (
        select source_instance, subscription, customer from {{ ref("int_stripe__subscriptions") }}
    ),

    of_subscriptions as (
        select
            discounts.source_instance,
            discounts.source_id as discount,
            coalesce(discounts.subscription, items.subscription) as subscription,
            discounts.subscription_item as item,
            discounts.coupon,
            discounts.begins_at,
            coalesce(discounts.ends_at, {{ end_of_time() }}) as ends_at
        from ({{ stripe_records("discounts") }}) as discounts
        left join
            items
            on discounts.source_instance = items.source_instance
            and discounts.subscription_item = items.item
        where coalesce(discounts.subscription, items.subscription) is not null
    ),

    own as (
        select
            source_instance,
            subscription,
            begins_at,
            ends_at,
            coalesce(
                max(ends_at) over (
                    partition by source_instance, subscription
                    order by begins_at, ends_at
                    rows between unbounded preceding and 1 preceding
                ),
                {{ beginning_of_time() }}
            ) as others_end_at
        from of_subscriptions
        where item is null
    ),

    last_ends as (
        select source_instance, subscription, max(ends_at) as ends_at
        from own
        group by source_instance, subscription
    ),

    without_own as (
        select source_instance, subscription, others_end_at as begins_at, begins_at as ends_at
        from own
        where others_end_at < begins_at

        union all

        select
            subscriptions.source_instance,
            subscriptions.subscription,
            coalesce(last_ends.ends_at, {{ beginning_of_time() }}) as begins_at,
            {{ end_of_time() }} as ends_at
        from subscriptions
        left join
            last_ends
            on subscriptions.source_instance = last_ends.source_instance
            and subscriptions.subscription = last_ends.subscription
        where coalesce(last_ends.ends_at, {{ beginning_of_time() }}) < {{ end_of_time() }}
    ),

    of_customers as (
        select
            subscriptions.source_instance,
            discounts.source_id as discount,
            subscriptions.subscription,
            cast(null as {{ dbt.type_string() }}) as item,
            discounts.coupon,
            greatest(discounts.begins_at, without_own.begins_at) as begins_at,
            least(coalesce(discounts.ends_at, {{ end_of_time() }}), without_own.ends_at) as ends_at
        from ({{ stripe_records("customer_discounts") }}) as discounts
        inner join
            subscriptions
            on discounts.source_instance = subscriptions.source_instance
            and discounts.customer = subscriptions.customer
        inner join
            without_own
            on subscriptions.source_instance = without_own.source_instance
            and subscriptions.subscription = without_own.subscription
            and discounts.begins_at < without_own.ends_at
            and coalesce(discounts.ends_at, {{ end_of_time() }}) > without_own.begins_at
    ),

    together as (
        select *
        from of_subscriptions

        union all

        select *
        from of_customers
    )

select
    together.source_instance,
    together.discount,
    together.subscription,
    together.item,
    together.begins_at,
    together.ends_at,
    coupons.percent_off,
    coupons.amount_off,
    coupons.currency,
    coupons.products
from together
inner join
    coupons
    on together.source_instance = coupons.source_instance
    and together.coupon = coupons.source_id
where coupons.duration = 'forever'
