-- The open pipeline at the end of every day (now, of the current one), by rep, source, pipeline,
-- stage and currency: the sum of all that came in and went out until then. What is empty has no
-- row.
with
    steps as (select * from {{ ref("int_pipeline_steps") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    changes as (
        select
            happened_on,
            rep,
            source_instance,
            pipeline,
            stage,
            currency,
            1 as deals,
            coalesce(amount, 0) as amount
        from steps
        where is_open

        union all

        select
            happened_on,
            rep_before as rep,
            source_instance,
            pipeline_before as pipeline,
            stage_before as stage,
            currency_before as currency,
            -1 as deals,
            - coalesce(amount_before, 0) as amount
        from steps
        where was_open
    ),

    by_day as (
        select
            happened_on,
            rep,
            source_instance,
            {{ or_none("pipeline") }} as pipeline,
            {{ or_none("stage") }} as stage,
            currency,
            sum(deals) as deals,
            sum(amount) as amount
        from changes
        group by
            happened_on,
            rep,
            source_instance,
            {{ or_none("pipeline") }},
            {{ or_none("stage") }},
            currency
        having sum(deals) <> 0 or sum(amount) <> 0
    ),

    balances as (
        select
            happened_on as first_day,
            coalesce(
                cast({{ dbt.dateadd("day", -1, "lead(happened_on) over in_order") }} as date),
                {{ as_of_day() }}
            ) as last_day,
            rep,
            source_instance,
            pipeline,
            stage,
            currency,
            sum(deals) over in_order as deals,
            sum(amount) over in_order as amount
        from by_day
        window
            in_order as (
                partition by rep, source_instance, pipeline, stage, currency order by happened_on
            )
    ),

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
        from balances
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
