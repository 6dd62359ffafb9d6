{{ config(materialized="table") }}
-- What each quantity of each price that subscriptions have comes to in a month, in the currency of
-- the subscription. NULL where that is not known: the price is not, or is not in that currency and
-- no bill shows it.
with
    wanted as (
        select distinct items.source_instance, items.price, items.quantity, subscriptions.currency
        from {{ ref("int_stripe__item_spans") }} as items
        inner join
            {{ ref("int_stripe__subscriptions") }} as subscriptions
            on items.source_instance = subscriptions.source_instance
            and items.subscription = subscriptions.subscription
    ),

    -- Prices outlive their removal in what has been sold at them.
    prices as ({{ latest_versions("stripe", "prices") }}),

    products as ({{ latest_versions("stripe", "products") }}),

    tiers as (
        select
            source_instance,
            price,
            coalesce(
                lag(up_to) over (partition by source_instance, price order by position), 0
            ) as starts_after,
            up_to,
            coalesce(unit_amount, 0) as unit_amount,
            coalesce(flat_amount, 0) as flat_amount
        from ({{ stripe_records("price_tiers") }}) as price_tiers
    ),

    -- Units of a price that has several currencies: raw has the amount of its own alone.
    billed_units as (
        select
            source_instance,
            price,
            currency,
            unit_amount,
            row_number() over (
                partition by source_instance, price, currency
                order by period_start desc nulls last, source_id desc
            ) as choice
        from ({{ stripe_records("invoice_lines") }}) as lines
        where unit_amount is not null and not coalesce(is_credit, false)
    ),

    priced as (
        select
            wanted.source_instance,
            wanted.price,
            wanted.currency,
            wanted.quantity,
            coalesce(products.name, prices.nickname, prices.product, wanted.price) as plan,
            prices.product,
            prices.interval as bill_unit,
            coalesce(prices.interval_count, 1) as bill_units,
            coalesce(prices.usage_type = 'metered', false) as is_metered,
            prices.billing_scheme,
            prices.tiers_mode,
            prices.currency = wanted.currency as is_in_currency,
            case
                when prices.currency = wanted.currency
                then prices.unit_amount
                else billed_units.unit_amount
            end as unit_amount,
            -- Tiers are never divided.
            case
                when prices.divide_by is null
                then wanted.quantity
                when prices.round = 'up'
                then
                    cast(
                        ceiling(
                            cast(wanted.quantity as {{ double_type() }}) / prices.divide_by
                        ) as {{ type_of("number") }}
                    )
                else
                    cast(
                        floor(
                            cast(wanted.quantity as {{ double_type() }}) / prices.divide_by
                        ) as {{ type_of("number") }}
                    )
            end as units
        from wanted
        left join
            prices
            on wanted.source_instance = prices.source_instance
            and wanted.price = prices.source_id
        left join
            products
            on prices.source_instance = products.source_instance
            and prices.product = products.source_id
        left join
            billed_units
            on wanted.source_instance = billed_units.source_instance
            and wanted.price = billed_units.price
            and wanted.currency = billed_units.currency
            and billed_units.choice = 1
    ),

    -- Stripe bills the flat amount of the first tier for no unit, too.
    tiered as (
        select
            priced.source_instance,
            priced.price,
            priced.currency,
            priced.quantity,
            sum(
                cast(
                    tiers.unit_amount * case
                        when priced.tiers_mode = 'volume'
                        then priced.units
                        else
                            least(priced.units, coalesce(tiers.up_to, priced.units))
                            - tiers.starts_after
                    end as numeric(38, 10)
                )
                + tiers.flat_amount
            ) as amount
        from priced
        inner join
            tiers
            on priced.source_instance = tiers.source_instance
            and priced.price = tiers.price
            and (priced.units > tiers.starts_after or tiers.starts_after = 0)
            and (
                priced.tiers_mode <> 'volume' or tiers.up_to is null or priced.units <= tiers.up_to
            )
        where priced.billing_scheme = 'tiered' and priced.is_in_currency
        group by priced.source_instance, priced.price, priced.currency, priced.quantity
    ),

    billed as (
        select
            priced.*,
            cast(
                case
                    when priced.billing_scheme = 'tiered'
                    then tiered.amount
                    else priced.units * priced.unit_amount
                end as numeric(38, 10)
            ) as amount
        from priced
        left join
            tiered
            on priced.source_instance = tiered.source_instance
            and priced.price = tiered.price
            and priced.currency = tiered.currency
            and priced.quantity = tiered.quantity
    )

select
    source_instance,
    price,
    currency,
    quantity,
    plan,
    product,
    bill_unit,
    bill_units,
    case
        when is_metered or amount < 0
        then cast(0 as {{ stripe_money() }})
        else {{ stripe_monthly("amount", "bill_unit", "bill_units") }}
    end as monthly
from billed
