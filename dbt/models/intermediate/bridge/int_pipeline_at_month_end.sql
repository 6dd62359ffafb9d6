-- One row per deal and month at whose end (now, in the current one) it is open, in its state of
-- then; `amount` is at the rate of the month's last day, `next_amount` at that of the day after.
with
    months as (select * from {{ ref("int_pipeline_months") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    open_deals as ({{ open_at_ends("months") }}),

    final as (
        select
            open_deals.month_start,
            open_deals.opportunity_key,
            {{ or_none("open_deals.owner_id") }} as rep,
            open_deals.stage,
            open_deals.probability,
            open_deals.close_date,
            {{ month_start("open_deals.close_date") }} as due_month,
            open_deals.currency,
            cast(open_deals.amount_native as {{ numeric_type() }}) as amount_native,
            {{
                reporting_amount(
                    "open_deals.amount_native", fx_rate("open_deals.currency", "rates")
                )
            }} as amount,
            {{
                reporting_amount(
                    "open_deals.amount_native", fx_rate("open_deals.currency", "next_rates")
                )
            }} as next_amount
        from open_deals
        left join
            rates on open_deals.currency = rates.currency and open_deals.ends_on = rates.date_day
        left join
            rates as next_rates
            on open_deals.currency = next_rates.currency
            and next_rates.date_day = {{ dbt.dateadd("day", 1, "open_deals.ends_on") }}
    )

select *
from final
