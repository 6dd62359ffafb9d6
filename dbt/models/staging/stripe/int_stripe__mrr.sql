{{ config(materialized="table") }}
-- The recurring revenue of each span of a subscription, of all its items less what discounts take
-- off for ever, and the plan that brings most of it. NULL where a price or a discount is in no
-- currency of the subscription's. Discounts are taken off one after the other, each from what
-- those before it left.
with recursive
    spans as (select * from {{ ref("int_stripe__subscription_spans") }}),

    items as (
        select
            spans.source_instance,
            spans.subscription,
            spans.valid_from,
            spans.currency,
            item_spans.item,
            amounts.plan,
            amounts.product,
            amounts.bill_unit,
            amounts.bill_units,
            amounts.monthly
        from spans
        inner join
            {{ ref("int_stripe__item_spans") }} as item_spans
            on spans.source_instance = item_spans.source_instance
            and spans.subscription = item_spans.subscription
            and spans.valid_from >= item_spans.valid_from
            and spans.valid_from < item_spans.valid_to
        left join
            {{ ref("int_stripe__item_amounts") }} as amounts
            on item_spans.source_instance = amounts.source_instance
            and item_spans.price = amounts.price
            and item_spans.quantity = amounts.quantity
            and spans.currency = amounts.currency
    ),

    taken_off as (
        select
            spans.source_instance,
            spans.subscription,
            spans.valid_from,
            discounts.item,
            cast(
                (100 - cast(discounts.percent_off as numeric(12, 6))) * 0.01 as numeric(12, 8)
            ) as kept,
            discounts.amount_off,
            discounts.products,
            discounts.amount_off is not null and discounts.currency <> spans.currency as is_unknown,
            row_number() over (
                partition by spans.source_instance, spans.subscription, spans.valid_from
                order by
                    case when discounts.item is null then 1 else 0 end,
                    discounts.begins_at,
                    discounts.discount
            ) as step
        from spans
        inner join
            {{ ref("int_stripe__discounts") }} as discounts
            on spans.source_instance = discounts.source_instance
            and spans.subscription = discounts.subscription
            and spans.valid_from >= discounts.begins_at
            and spans.valid_from < discounts.ends_at
    ),

    -- Each discount with each item of the span, and whether it is for it. An amount is taken off
    -- each bill: as often as the item that is billed most often.
    of_items as (
        select
            items.source_instance,
            items.subscription,
            items.valid_from,
            items.item,
            taken_off.step,
            taken_off.kept,
            taken_off.is_unknown,
            taken_off.amount_off,
            items.bill_unit,
            items.bill_units,
            (taken_off.item is null or taken_off.item = items.item)
            and (
                taken_off.products is null or taken_off.products like '%"' || items.product || '"%'
            ) as is_for_it
        from items
        inner join
            taken_off
            on items.source_instance = taken_off.source_instance
            and items.subscription = taken_off.subscription
            and items.valid_from = taken_off.valid_from
    ),

    steps as (
        select
            source_instance,
            subscription,
            valid_from,
            item,
            step,
            kept,
            coalesce(is_for_it, false) as is_for_it,
            is_unknown,
            max(
                case
                    when is_for_it
                    then {{ stripe_monthly("amount_off", "bill_unit", "bill_units") }}
                end
            ) over (partition by source_instance, subscription, valid_from, step) as amount_off
        from of_items
    ),

    discounted as (
        select
            source_instance,
            subscription,
            valid_from,
            item,
            plan,
            0 as step,
            cast(monthly as {{ stripe_money() }}) as monthly,
            cast(monthly as {{ stripe_money() }}) as remaining
        from items

        union all

        select
            discounted.source_instance,
            discounted.subscription,
            discounted.valid_from,
            discounted.item,
            discounted.plan,
            discounted.step + 1 as step,
            discounted.monthly,
            cast(
                case
                    when not steps.is_for_it
                    then discounted.remaining
                    when steps.is_unknown
                    then null
                    when steps.kept is not null
                    then discounted.remaining * steps.kept
                    else
                        discounted.remaining
                        - {{
                            share_of_discount(
                                "discounted.remaining",
                                "sum(case when steps.is_for_it then discounted.remaining end)"
                                ~ " over (partition by discounted.source_instance,"
                                ~ " discounted.subscription, discounted.valid_from)",
                                "steps.amount_off",
                            )
                        }}
                end as {{ stripe_money() }}
            ) as remaining
        from discounted
        inner join
            steps
            on discounted.source_instance = steps.source_instance
            and discounted.subscription = steps.subscription
            and discounted.valid_from = steps.valid_from
            and discounted.item = steps.item
            and steps.step = discounted.step + 1
    ),

    ends as (
        select
            *,
            row_number() over (
                partition by source_instance, subscription, valid_from, item order by step desc
            ) as choice
        from discounted
    ),

    ranked as (
        select
            source_instance,
            subscription,
            valid_from,
            plan,
            remaining,
            row_number() over (
                partition by source_instance, subscription, valid_from
                order by monthly desc nulls last, plan, item
            ) as position
        from ends
        where choice = 1
    )

select
    source_instance,
    subscription,
    valid_from,
    max(case when position = 1 then plan end) as plan,
    -- Thirds that add up to a half of the last digit are that half again.
    cast(cast({{ whole_sum("remaining") }} as numeric(38, 10)) as {{ type_of("money") }}) as mrr
from ranked
group by source_instance, subscription, valid_from
