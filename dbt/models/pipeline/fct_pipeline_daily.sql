{{
    increment(
        "days",
        of={"int_pipeline_balances": ["last_day", "date_day"]},
        key="date_day",
        compared={"int_fx_rates__daily": settled_rates()},
        onwards=true,
    )
}}
-- The open pipeline at the end of every day (now, of the current one), by rep, source, pipeline,
-- stage and currency. What is empty has no row.
with
    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    days as (
        select
            {{ each("day", "first_day", "last_day") }} as date_day,
            rep,
            source_instance,
            pipeline,
            stage,
            currency,
            deals,
            amount
        from {{ ref("int_pipeline_balances") }}
        where deals <> 0
    ),

    final as (
        select
            days.date_day,
            days.rep as rep_id,
            days.source_instance,
            days.pipeline,
            days.stage,
            days.currency,
            cast(days.deals as bigint) as deals,
            cast(days.amount as {{ numeric_type() }}) as amount_native,
            {{ reporting_amount("days.amount", fx_rate("days.currency", "rates")) }} as amount
        from days
        left join rates on days.currency = rates.currency and days.date_day = rates.date_day
    )

select *
from final
