{{ config(meta={"dagster": {"ref": {"name": "mart_pipeline_changes"}}}) }}
{%- set windows = [
    ("month_start", current_month()),
    ("quarter_start", fiscal_period_start(current_month(), "quarter")),
] -%}
-- The effects of all changes since the beginning of month and quarter are what the deals of the
-- bridge's closing are worth, less those of its opening: deal by deal, in every currency, at
-- today's rates. A deal of which nobody knows since when it is open comes into the bridge now, and
-- is no change; it was there before. Where there is no rate for something, there is no sum to
-- compare.
with
    at_month_end as (select * from {{ ref("int_pipeline_at_month_end") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }} where date_day = {{ as_of_day() }}),

    undated as (
        select
            states.opportunity_key,
            states.valid_to,
            states.amount_native,
            states.currency,
            coalesce(removals.removed_at, cast('9999-12-31' as timestamp)) as removed_at
        from {{ ref("int_opportunity_states") }} as states
        left join
            {{ ref("int_opportunity_removals") }} as removals
            on states.opportunity_key = removals.opportunity_key
            and removals.restored_at is null
        where states.valid_from is null and states.status = 'open'
    ),

    holdings as (
        {%- for since, first_day in windows %}
            select '{{ since }}' as since, 1 as sign, amount_native, currency
            from at_month_end
            where month_start = {{ current_month() }}

            union all

            select '{{ since }}' as since, -1 as sign, amount_native, currency
            from at_month_end
            where cast({{ dbt.dateadd("month", 1, "month_start") }} as date) = {{ first_day }}

            union all

            select '{{ since }}' as since, -1 as sign, amount_native, currency
            from undated
            where
                coalesce(valid_to, removed_at) >= {{ day_start(first_day) }}
                and removed_at >= {{ day_start(first_day) }}
                {{ 'union all ' if not loop.last }}
        {%- endfor %}
    ),

    bridge as (
        select
            holdings.since,
            sum(
                holdings.sign
                * {{ held_amount("holdings.amount_native", fx_rate("holdings.currency", "rates")) }}
            ) as effect,
            count(
                case
                    when
                        {{
                            held_amount(
                                "holdings.amount_native", fx_rate("holdings.currency", "rates")
                            )
                        }} is null
                    then 1
                end
            ) as n_without_rate
        from holdings
        left join rates on holdings.currency = rates.currency
        group by holdings.since
    ),

    effects as (
        select
            since,
            sum(pipeline_effect) as effect,
            count(*) - count(pipeline_effect) as n_without_rate
        from {{ ref("mart_pipeline_changes") }}
        where since in ('month_start', 'quarter_start')
        group by since
    )

select
    coalesce(bridge.since, effects.since) as since,
    bridge.effect as bridge_effect,
    effects.effect as changes_effect
from bridge
full join effects on bridge.since = effects.since
where
    coalesce(bridge.effect, 0) <> coalesce(effects.effect, 0)
    and coalesce(bridge.n_without_rate, 0) + coalesce(effects.n_without_rate, 0) = 0
