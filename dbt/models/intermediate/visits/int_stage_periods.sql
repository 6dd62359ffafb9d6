-- Per open stage and period, for the company (team `all`) and each team: the stays that ended, and
-- what was usual in the year before, in the same stage and team, where there were enough. Every
-- period is there, also where nothing ended.
with
    stays as (
        select
            {{ or_none("pipeline") }} as pipeline,
            stage,
            {{ or_none("team") }} as team,
            {{ month_start("exited_on") }} as month_start,
            days,
            amount,
            ended_as in ('lost', 'no_decision') as is_dropped
        from {{ ref("fct_stage_visits") }}
        where
            status = 'open'
            and not is_skipped
            and is_entry_known
            and removal is null
            and days is not null
    ),

    {%- set grains = ["month", "quarter"] %}
    periods as (
        {%- for grain in grains %}
            select distinct
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start
            from {{ ref("int_pipeline_months") }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    ended as (
        {%- for grain in grains %}
            select
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                pipeline,
                stage,
                case when grouping(team) = 1 then 'all' else team end as team,
                count(*) as stays_ended,
                {{ quantile("days", 0.25) }} as p25_days,
                {{ median("days") }} as median_days,
                {{ quantile("days", 0.75) }} as p75_days,
                count(case when is_dropped then 1 end) as stays_dropped,
                sum(case when is_dropped then amount end) as money_dropped
            from stays
            group by
                grouping sets (
                    ({{ fiscal_period_start("month_start", grain) }}, pipeline, stage),
                    ({{ fiscal_period_start("month_start", grain) }}, pipeline, stage, team)
                )
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    places as (select distinct pipeline, stage, team from ended),

    year_before as (
        select
            periods.period_grain,
            periods.period_start,
            ended.pipeline,
            ended.stage,
            ended.team,
            {{ median("ended.median_days") }} as usual_median_days,
            {{ ratio("sum(ended.stays_dropped)", "sum(ended.stays_ended)") }} as usual_drop_rate
        from periods
        inner join
            ended
            on periods.period_grain = ended.period_grain
            and ended.period_start < periods.period_start
            and ended.period_start >= {{ dbt.dateadd("year", -1, "periods.period_start") }}
        group by periods.period_grain, periods.period_start, ended.pipeline, ended.stage, ended.team
        having {{ is_enough("sum(ended.stays_ended)") }}
    ),

    final as (
        select
            periods.period_grain,
            periods.period_start,
            places.pipeline,
            places.stage,
            places.team,
            coalesce(ended.stays_ended, 0) as stays_ended,
            ended.p25_days,
            ended.median_days,
            ended.p75_days,
            coalesce(ended.stays_dropped, 0) as stays_dropped,
            coalesce(ended.money_dropped, 0) as money_dropped,
            year_before.usual_median_days,
            year_before.usual_drop_rate
        from periods
        cross join places
        left join
            ended
            on periods.period_grain = ended.period_grain
            and periods.period_start = ended.period_start
            and places.pipeline = ended.pipeline
            and places.stage = ended.stage
            and places.team = ended.team
        left join
            year_before
            on periods.period_grain = year_before.period_grain
            and periods.period_start = year_before.period_start
            and places.pipeline = year_before.pipeline
            and places.stage = year_before.stage
            and places.team = year_before.team
    )

select *
from final
