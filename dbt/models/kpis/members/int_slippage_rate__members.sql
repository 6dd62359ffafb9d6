{%- set grains = ["month", "quarter", "year"] -%}
-- One row per period and deal that was due in it when it began: open, with a close date in it. The
-- deal slipped when that date was later moved behind the period's end.
with
    deals as (select * from {{ ref("int_kpi_deals") }}),

    openings as (
        select
            opportunity_key,
            due_month,
            cast({{ dbt.dateadd("month", 1, "month_start") }} as date) as month_start
        from {{ ref("int_pipeline_at_month_end") }}
        where month_start < {{ current_month() }}
    ),

    due as (
        {%- for grain, months in [("month", 1), ("quarter", 3), ("year", 12)] %}
            select
                opportunity_key,
                month_start as period_start,
                cast({{ dbt.dateadd("month", months, "month_start") }} as date) as period_end,
                {{ day_start("month_start") }} as begins_at,
                {%- for other in grains %}
                    {{ "true" if other == grain else "false" }}
                    as counts_in_{{ other }}{{ ',' if not loop.last }}
                {%- endfor %}
            from openings
            where
                month_start = {{ fiscal_period_start("month_start", grain) }}
                and {{ fiscal_period_start("due_month", grain) }} = month_start
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    moves as (
        select
            opportunity_key,
            changed_at,
            cast(old_value as date) as old_date,
            cast(new_value as date) as new_date
        from {{ ref("int_opportunity_changes") }}
        where field = 'close_date' and changed_at <= {{ as_of() }}
    ),

    slipped as (
        select distinct due.opportunity_key, due.period_start, due.period_end
        from due
        inner join
            moves
            on due.opportunity_key = moves.opportunity_key
            and moves.changed_at >= due.begins_at
            and moves.old_date < due.period_end
            and moves.new_date >= due.period_end
    ),

    members as (
        select
            deals.*,
            due.period_start,
            {%- for grain in grains %} due.counts_in_{{ grain }}, {%- endfor %}
            case when slipped.opportunity_key is null then 0 else 1 end as has_slipped
        from due
        inner join deals on due.opportunity_key = deals.opportunity_key
        left join
            slipped
            on due.opportunity_key = slipped.opportunity_key
            and due.period_start = slipped.period_start
            and due.period_end = slipped.period_end
    )

select
    'default' as variant,
    {{ deal_member() }},
    period_start as period_on,
    {%- for grain in grains %} counts_in_{{ grain }}, {%- endfor %}
    false as counts_in_all,
    has_slipped as numerator,
    1 as denominator,
    removal as exclusion_reason
from members
