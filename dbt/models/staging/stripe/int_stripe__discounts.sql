{{ config(materialized="table") }}
-- Discounts that go on for ever, of subscriptions and their items, with what they take off and in
-- which order: those of items first.
with
    discounts as ({{ stripe_records("discounts") }}),

    -- A coupon that can no longer be given is still in use.
    coupons as ({{ latest_versions("stripe", "coupons") }}),

    items as (
        select distinct source_instance, item, subscription from {{ ref("int_stripe__item_spans") }}
    )

select
    discounts.source_instance,
    discounts.source_id as discount,
    coalesce(discounts.subscription, items.subscription) as subscription,
    discounts.subscription_item as item,
    discounts.begins_at,
    coalesce(discounts.ends_at, {{ end_of_time() }}) as ends_at,
    coupons.percent_off,
    coupons.amount_off,
    coupons.currency,
    coupons.products
from discounts
inner join
    coupons
    on discounts.source_instance = coupons.source_instance
    and discounts.coupon = coupons.source_id
left join
    items
    on discounts.source_instance = items.source_instance
    and discounts.subscription_item = items.item
where
    coupons.duration = 'forever'
    and coalesce(discounts.subscription, items.subscription) is not null
