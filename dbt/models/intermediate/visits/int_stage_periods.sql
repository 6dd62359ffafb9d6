-- Per open stage and period, for the company (team `all`) and each team: the stays that ended in
-- the
-- period, beside those of the year before in the same stage and team, each stay once. Every period
-- is there, also where nothing ended.
with
    durations as (select * from {{ ref("int_stage_durations") }}),

    -- While a stage, or its history, is younger than most stays last, only short ones can have
    -- ended: such stays say nothing of what is usual.
    ended as (
        select
            {{ or_none("visits.pipeline") }} as pipeline,
            visits.stage,
            {{ or_none("visits.team") }} as team,
            {{ month_start("visits.exited_on") }} as month_start,
            cast(visits.days as {{ double_type() }}) as days,
            visits.amount,
            visits.ended_as in ('lost', 'no_decision') as is_dropped,
            {{ elapsed_days("durations.first_entered_at", "visits.exited_at") }}
            >= durations.p90_days as is_settled
        from {{ ref("fct_stage_visits") }} as visits
        inner join
            durations
            on {{ or_none("visits.pipeline") }} = durations.pipeline
            and visits.stage = durations.stage
        where
            visits.status = 'open'
            and not visits.is_skipped
            and visits.is_entry_known
            and visits.removal is null
            and visits.exited_on is not null
            and visits.days is not null
    ),

    stays as (
        {%- for team in ["'all'", "team"] %}
            select
                pipeline,
                stage,
                {{ team }} as team,
                month_start,
                days,
                amount,
                is_dropped,
                is_settled
            from ended {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    months as (select month_start from {{ ref("int_pipeline_months") }}),

    {%- set grains = ["month", "quarter"] %}
    periods as (
        {%- for grain in grains %}
            select distinct
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start
            from months {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    -- The months by whose stays a period is judged: its own and those of the year before.
    windows as (
        {%- for grain in grains %}
            select
                periods.period_grain,
                periods.period_start,
                months.month_start,
                months.month_start >= periods.period_start as is_now
            from periods
            inner join
                months
                on {{ fiscal_period_start("months.month_start", grain) }} <= periods.period_start
                and months.month_start >= {{ dbt.dateadd("year", -1, "periods.period_start") }}
            where periods.period_grain = '{{ grain }}' {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    lengths as (
        select
            windows.period_grain,
            windows.period_start,
            stays.pipeline,
            stays.stage,
            stays.team,
            stays.days,
            count(case when windows.is_now then 1 end) as ended,
            count(case when not windows.is_now then 1 end) as usual_ended,
            count(case when windows.is_now and stays.is_dropped then 1 end) as dropped,
            count(case when not windows.is_now and stays.is_dropped then 1 end) as usual_dropped,
            sum(
                case when windows.is_now and stays.is_dropped then stays.amount end
            ) as money_dropped
        from stays
        inner join windows on stays.month_start = windows.month_start
        where windows.is_now or stays.is_settled
        group by
            windows.period_grain,
            windows.period_start,
            stays.pipeline,
            stays.stage,
            stays.team,
            stays.days
    ),

    {%- set place = "period_grain, period_start, pipeline, stage, team" %}
    in_order as (
        select
            *,
            sum(ended) over (partition by {{ place }} order by days) as ended_so_far,
            sum(usual_ended) over (partition by {{ place }} order by days) as usual_so_far,
            sum(ended) over (partition by {{ place }}) as ended_in_all,
            sum(usual_ended) over (partition by {{ place }}) as usual_in_all
        from lengths
    ),

    measured as (
        select
            {{ place }},
            max(ended_in_all) as stays_ended,
            {{ median_of_counts("days", "ended_so_far", "ended_in_all") }} as median_days,
            min(
                case when ended_so_far >= {{ median_low_rank("ended_in_all") }} then days end
            ) as median_days_low,
            min(
                case
                    when ended_so_far > ended_in_all - {{ median_low_rank("ended_in_all") }}
                    then days
                end
            ) as median_days_high,
            sum(dropped) as stays_dropped,
            sum(money_dropped) as money_dropped,
            max(usual_in_all) as usual_stays_ended,
            {{ median_of_counts("days", "usual_so_far", "usual_in_all") }} as usual_median_days,
            sum(usual_dropped) as usual_stays_dropped,
            {{
                rank_sum_z(
                    "ended",
                    "usual_ended",
                    "ended_so_far + usual_so_far",
                    "ended_in_all",
                    "usual_in_all",
                )
            }} as longer_z
        from in_order
        group by {{ place }}
    ),

    places as (select distinct pipeline, stage, team from stays),

    final as (
        select
            periods.period_grain,
            periods.period_start,
            places.pipeline,
            places.stage,
            places.team,
            coalesce(measured.stays_ended, 0) as stays_ended,
            measured.median_days,
            case
                when {{ is_enough("measured.stays_ended") }} then measured.median_days_low
            end as median_days_low,
            case
                when {{ is_enough("measured.stays_ended") }} then measured.median_days_high
            end as median_days_high,
            coalesce(measured.stays_dropped, 0) as stays_dropped,
            coalesce(measured.money_dropped, 0) as money_dropped,
            coalesce(measured.usual_stays_ended, 0) as usual_stays_ended,
            case
                when {{ is_enough("measured.usual_stays_ended") }} then measured.usual_median_days
            end as usual_median_days,
            coalesce(measured.usual_stays_dropped, 0) as usual_stays_dropped,
            measured.longer_z
        from periods
        cross join places
        left join
            measured
            on periods.period_grain = measured.period_grain
            and periods.period_start = measured.period_start
            and places.pipeline = measured.pipeline
            and places.stage = measured.stage
            and places.team = measured.team
    )

select *
from final
