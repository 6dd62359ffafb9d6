{{
    increment(
        "clocked",
        of=[
            "int_kpi_deals",
            "int_opportunity_states",
            "int_pipeline_at_month_end",
            "int_close_date_moves",
        ],
        by_month=true,
        materialized="view",
    )
}}
-- One row per variant, period that has ended and deal that was due in it when it began: open, with
-- a close date in it as then expected. Where nobody knows what was expected then, any open deal may
-- have been due: it is excluded.
--
-- It slipped when it was not closed by the period's end. It was `pushed` when its close date was
-- moved behind that end, be it after it, while the deal was open.
with
    deals as (select * from {{ ref("int_kpi_deals") }}),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'close_date'),

    states as (
        select
            opportunity_key,
            valid_from,
            coalesce(valid_to, cast('9999-12-31' as timestamp)) as valid_to
        from {{ ref("int_opportunity_states") }}
        where status = 'open'
    ),

    openings as (
        select
            at_month_end.opportunity_key,
            at_month_end.due_month,
            at_month_end.ends_at as begins_at,
            cast({{ dbt.dateadd("month", 1, "at_month_end.month_start") }} as date) as month_start,
            coalesce(histories.known_from <= at_month_end.ends_at, false) as is_known
        from {{ ref("int_pipeline_at_month_end") }} as at_month_end
        inner join deals on at_month_end.opportunity_key = deals.opportunity_key
        left join histories on deals.source_instance = histories.source_instance
        where at_month_end.month_start < {{ current_month() }}
    ),

    due as (
        {%- for grain, months in [("month", 1), ("quarter", 3), ("year", 12)] %}
            select
                opportunity_key,
                is_known,
                begins_at,
                month_start as period_start,
                cast({{ dbt.dateadd("month", months, "month_start") }} as date) as period_end,
                '{{ grain }}' as counts_in
            from openings
            where
                month_start = {{ fiscal_period_start("month_start", grain) }}
                and (not is_known or {{ fiscal_period_start("due_month", grain) }} = month_start)
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    ended as (
        select *, {{ day_start("period_end") }} as ends_at
        from due
        where period_end <= {{ ended_by_day() }}
    ),

    pushed as (
        select distinct ended.opportunity_key, ended.period_start, ended.period_end
        from ended
        inner join
            {{ ref("int_close_date_moves") }} as moves
            on ended.opportunity_key = moves.opportunity_key
            and moves.changed_at >= ended.begins_at
            and moves.old_date < ended.period_end
            and moves.new_date >= ended.period_end
    ),

    judged as (
        select
            ended.*,
            case when states.opportunity_key is null then 0 else 1 end as is_open_at_end,
            case when pushed.opportunity_key is null then 0 else 1 end as is_pushed
        from ended
        left join
            states
            on ended.opportunity_key = states.opportunity_key
            and ended.ends_at > states.valid_from
            and ended.ends_at <= states.valid_to
        left join
            pushed
            on ended.opportunity_key = pushed.opportunity_key
            and ended.period_start = pushed.period_start
            and ended.period_end = pushed.period_end
    ),

    members as (
        select
            deals.*,
            judged.period_start,
            judged.counts_in,
            judged.is_open_at_end,
            judged.is_pushed,
            judged.is_known
        from judged
        inner join deals on judged.opportunity_key = deals.opportunity_key
    )

{%- for variant, outcome in [("default", "is_open_at_end"), ("pushed", "is_pushed")] %}

    select
        '{{ variant }}' as variant,
        {{ deal_member() }},
        period_start as period_on,
        counts_in,
        {{ outcome }} as numerator,
        1 as denominator,
        coalesce(removal, case when not is_known then 'no_history' end) as exclusion_reason
    from members {{ 'union all' if not loop.last }}
{%- endfor %}
