-- Per open stage, team and period with a usual median: the stays that reached twice that median in
-- the period, or would have, and how many of them went on beyond it, and beyond the median, beside
-- those of the year before. Each stay counts once, and is followed from its entry: however young a
-- stage is, and whatever came in before it, none is cut off.
with
    periods as (
        select
            period_grain,
            period_start,
            source_instance,
            pipeline,
            stage,
            team,
            usual_median_days,
            2 * usual_median_days as limit_days,
            {{ day_start("period_start") }} as starts_at,
            {{ day_start(dbt.dateadd("year", -1, "period_start")) }} as year_before_at,
            least(
                {{
                    day_start(
                        "case when period_grain= 'month' then "
                        ~ dbt.dateadd("month", 1, "period_start")
                        ~ " else "
                        ~ dbt.dateadd("month", 3, "period_start")
                        ~ " end"
                    )
                }},
                {{ as_of() }}
            ) as ends_at
        from {{ ref("int_stage_periods") }}
        where usual_median_days is not null
    ),

    -- Who reaches the limit in a span of time has entered that much earlier.
    entries as (
        select
            *,
            {%- for moment in ["year_before_at", "starts_at", "ends_at"] %}
                {{ dbt.dateadd("second", "-cast(86400 * limit_days as bigint)", moment) }}
                as entered_{{ moment }} {{ ',' if not loop.last }}
            {%- endfor %}
        from periods
    ),

    entered as (
        select
            source_instance,
            {{ or_none("pipeline") }} as pipeline,
            stage,
            {{ or_none("team") }} as team,
            entered_at,
            days
        from {{ ref("fct_stage_visits") }}
        where status = 'open' and not is_skipped and is_entry_known and removal is null
    ),

    stays as (
        {%- for team in ["'all'", "team"] %}
            select source_instance, pipeline, stage, {{ team }} as team, entered_at, days
            from entered {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    due as (
        select
            entries.period_grain,
            entries.period_start,
            entries.source_instance,
            entries.pipeline,
            entries.stage,
            entries.team,
            stays.entered_at >= entries.entered_starts_at as is_now,
            coalesce(stays.days > entries.usual_median_days, true) as is_long,
            coalesce(stays.days > entries.limit_days, true) as is_late
        from entries
        inner join
            stays
            on entries.source_instance = stays.source_instance
            and entries.pipeline = stays.pipeline
            and entries.stage = stays.stage
            and entries.team = stays.team
            and stays.entered_at >= entries.entered_year_before_at
            and stays.entered_at < entries.entered_ends_at
    ),

    final as (
        select
            period_grain,
            period_start,
            source_instance,
            pipeline,
            stage,
            team,
            count(case when is_now then 1 end) as stays_due,
            count(case when is_now and is_long then 1 end) as stays_long,
            count(case when is_now and is_late then 1 end) as stays_late,
            count(case when not is_now then 1 end) as usual_stays_due,
            count(case when not is_now and is_long then 1 end) as usual_stays_long,
            count(case when not is_now and is_late then 1 end) as usual_stays_late
        from due
        group by period_grain, period_start, source_instance, pipeline, stage, team
    )

select *
from final
