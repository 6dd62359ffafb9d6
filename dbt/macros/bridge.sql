{#-
    The pipelines that the bridge watches, and the periods whose movements it adds up: all that is
    open, by month (quarters are sums of months), and what is due in the period. A deal pushed from
    one month to the next leaves the month's pipeline, not the quarter's: quarters are no sums there.
-#}
{% macro pipeline_books() -%}
    {{ return([("open", "month"), ("due", "month"), ("due", "quarter")]) }}
{%- endmacro %}

{#- Whether an open deal with a close date in `due_month` is in the pipeline of a month's period. -#}
{% macro in_book(scope, grain, due_month, month) -%}
    {%- if scope == "open" -%} true
    {%- else -%}
        coalesce(
            {{ fiscal_period_start(due_month, grain) }} = {{ fiscal_period_start(month, grain) }},
            false
        )
    {%- endif -%}
{%- endmacro %}

{#- What adds to a pipeline, in the order of the bridge. -#}
{% macro pipeline_additions() -%}
    {{ return(["created", "pulled_in", "reopened", "increased", "owner_gained"]) }}
{%- endmacro %}

{#- What takes from it. -#}
{% macro pipeline_subtractions() -%}
    {{
        return(
            [
                "decreased",
                "pushed_out",
                "won",
                "lost",
                "no_decision",
                "deleted",
                "merged",
                "owner_lost",
            ]
        )
    }}
{%- endmacro %}

{#- The amounts of a bridge, in order: opening, movements, closing. -#}
{% macro bridge_entries() -%}
    {{
        return(
            ["opening"] + pipeline_additions() + pipeline_subtractions() + ["currency", "closing"]
        )
    }}
{%- endmacro %}

{#-
    The deals that are open at the end of each of some periods, in their states of then.

    `periods` names a relation with `ends_at` and `is_current`; the current one ends now. Its
    columns come first. A deal that is removed by then is left out; one of which nobody knows since
    when it is open is there now only.
-#}
{% macro open_at_ends(periods) -%}
    {%- set never = "cast('9999-12-31' as timestamp)" -%}
    with
        states as (select * from {{ ref("int_opportunity_states") }} where status = 'open'),

        removals as (
            select opportunity_key, removed_at, coalesce(restored_at, {{ never }}) as restored_at
            from {{ ref("int_opportunity_removals") }}
        ),

        -- Whatever was removed is out of the pipeline of now.
        ends as (
            select *, case when is_current then {{ never }} else ends_at end as removed_before
            from {{ periods }}
        ),

        open_at_end as (
            select ends.*, states.*
            from states
            inner join
                ends
                on states.valid_from < ends.ends_at
                and coalesce(states.valid_to, {{ never }}) >= ends.ends_at
            where not ends.is_current

            union all

            select ends.*, states.*
            from states
            inner join ends on ends.is_current
            where states.valid_to is null
        )

    select open_at_end.*
    from open_at_end
    left join
        removals
        on open_at_end.opportunity_key = removals.opportunity_key
        and open_at_end.ends_at <= removals.restored_at
        and open_at_end.removed_before > removals.removed_at
    where removals.opportunity_key is null
{%- endmacro %}

{#-
    The deals of `open_deals`, rows as of `open_at_ends` of months: `amount` is at the rate of the
    month's last day, `next_amount` at that of the day after.
-#}
{% macro pipeline_at_month_ends(open_deals) -%}
    with
        open_deals as ({{ open_deals }}),

        rates as (select * from {{ ref("int_fx_rates__daily") }}),

        final as (
            select
                open_deals.month_start,
                open_deals.ends_at,
                open_deals.opportunity_key,
                {{ or_none("open_deals.owner_id") }} as rep,
                open_deals.source_instance,
                open_deals.pipeline,
                open_deals.stage,
                open_deals.stage_label,
                open_deals.probability,
                open_deals.deal_probability,
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
                rates
                on open_deals.currency = rates.currency
                and open_deals.ends_on = rates.date_day
            left join
                rates as next_rates
                on open_deals.currency = next_rates.currency
                and next_rates.date_day = {{ dbt.dateadd("day", 1, "open_deals.ends_on") }}
        )

    select *
    from final
{%- endmacro %}

{#- One row per deal and day at whose end (now, today) it is open: the cost is deals × days. -#}
{% macro open_by_day(which_days="true") -%}
    with
        days as (
            select
                date_day,
                date_day = {{ as_of_day() }} as is_current,
                case
                    when date_day = {{ as_of_day() }}
                    then {{ as_of() }}
                    else {{ day_start(dbt.dateadd("day", 1, "date_day")) }}
                end as ends_at
            from {{ ref("dim_date") }}
            where date_day <= {{ as_of_day() }} and {{ which_days }}
        ),

        open_by_day as materialized({{ open_at_ends("days") }})

    select *
    from open_by_day
{%- endmacro %}

{#- The rows of fct_pipeline_daily the plain way: the deals of each day, added up. -#}
{% macro pipeline_daily_exploded(which_days="true") -%}
    with
        rates as (select * from {{ ref("int_fx_rates__daily") }}),

        open_by_day as ({{ open_by_day(which_days) }}),

        by_day as (
            select
                date_day,
                {{ or_none("owner_id") }} as rep_id,
                source_instance,
                {{ or_none("pipeline") }} as pipeline,
                {{ or_none("stage") }} as stage,
                currency,
                count(*) as deals,
                sum(coalesce(amount_native, 0)) as amount_native
            from open_by_day
            group by
                date_day,
                {{ or_none("owner_id") }},
                source_instance,
                {{ or_none("pipeline") }},
                {{ or_none("stage") }},
                currency
        ),

        final as (
            select
                by_day.*,
                {{ reporting_amount("by_day.amount_native", fx_rate("by_day.currency", "rates")) }}
                as amount
            from by_day
            left join rates on by_day.currency = rates.currency and by_day.date_day = rates.date_day
        )

    select *
    from final
{%- endmacro %}
