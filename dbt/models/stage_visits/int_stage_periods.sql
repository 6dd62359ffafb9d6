-- Per open stage and period, for the company (team `all`) and each team: the stays that ended in
-- the period, beside those of the year before in the same stage and team, each stay once. Every
-- period is there, also where nothing ended.
with
    durations as (select * from {{ ref("int_stage_durations") }}),

    -- While a stage, or its history, is younger than most stays last, only short ones can have
    -- ended: such stays say nothing of what is usual.
    ended as (
        select
            visits.source_instance,
            {{ or_none("visits.pipeline") }} as pipeline,
            visits.stage,
            {{ or_none("visits.team") }} as team,
            {{ month_start("visits.exited_on") }} as month_start,
            cast(visits.days as {{ double_type() }}) as days,
            visits.amount,
            visits.amount_native is not null and visits.amount is null as is_without_rate,
            visits.ended_as in ('lost', 'no_decision') as is_dropped,
            {{ elapsed_days("durations.first_entered_at", "visits.exited_at") }}
            >= durations.p90_days as is_settled
        from {{ ref("fct_stage_visits") }} as visits
        inner join
            durations
            on visits.source_instance = durations.source_instance
            and {{ or_none("visits.pipeline") }} = durations.pipeline
            and visits.stage = durations.stage
        where
            visits.status = 'open'
            and not visits.is_skipped
            and visits.is_entry_known
            and visits.removal is null
            and visits.exited_on is not null
            and visits.days is not null
    ),

    of_teams as (
        {%- for team in ["'all'", "team"] %}
            select
                source_instance,
                pipeline,
                stage,
                {{ team }} as team,
                month_start,
                days,
                amount,
                is_without_rate,
                is_dropped,
                is_settled
            from ended {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    places as (
        select
            source_instance,
            pipeline,
            stage,
            team,
            row_number() over (order by source_instance, pipeline, stage, team) as place
        from of_teams
        group by source_instance, pipeline, stage, team
    ),

    -- The tests compare lengths in 32 steps of about as many stays each: so the work depends little
    -- on how many there are, and ties are what the test knows how to handle.
    stays as (
        select
            places.place,
            of_teams.month_start,
            of_teams.days,
            of_teams.amount,
            of_teams.is_without_rate,
            of_teams.is_dropped,
            of_teams.is_settled,
            floor(
                32 * percent_rank() over (partition by places.place order by of_teams.days)
            ) as step
        from of_teams
        inner join
            places
            on of_teams.source_instance = places.source_instance
            and of_teams.pipeline = places.pipeline
            and of_teams.stage = places.stage
            and of_teams.team = places.team
    ),

    months as (select month_start from {{ ref("int_pipeline_months") }}),

    {%- set grains = ["month", "quarter"] %}
    months_of_periods as (
        {%- for grain in grains %}
            select
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                month_start
            from months {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    periods as (
        select
            period_grain,
            period_start,
            row_number() over (order by period_grain, period_start) as period
        from months_of_periods
        group by period_grain, period_start
    ),

    -- The months by whose stays a period is judged: its own and those of the year before.
    windows as (
        select
            periods.period,
            months_of_periods.month_start,
            months_of_periods.period_start = periods.period_start as is_now
        from periods
        inner join
            months_of_periods
            on periods.period_grain = months_of_periods.period_grain
            and months_of_periods.period_start <= periods.period_start
            and months_of_periods.period_start
            >= {{ dbt.dateadd("year", -1, "periods.period_start") }}
    ),

    samples as (
        select
            windows.period,
            windows.is_now,
            stays.place,
            stays.days,
            stays.step,
            stays.is_dropped,
            stays.amount,
            stays.is_without_rate
        from stays
        inner join windows on stays.month_start = windows.month_start
        where windows.is_now or stays.is_settled
    ),

    counted as (
        select
            period,
            place,
            count(case when is_now then 1 end) as stays_ended,
            {{ median("case when is_now then days end") }} as median_days,
            count(case when is_now and is_dropped then 1 end) as stays_dropped,
            sum(case when is_now and is_dropped then amount end) as money_dropped,
            count(
                case when is_now and is_dropped and is_without_rate then 1 end
            ) as dropped_without_rate,
            count(case when not is_now then 1 end) as usual_stays_ended,
            {{ median("case when not is_now then days end") }} as usual_median_days,
            count(case when not is_now and is_dropped then 1 end) as usual_stays_dropped
        from samples
        group by period, place
    ),

    in_order as (
        select
            period,
            place,
            days,
            row_number() over (partition by period, place order by days) as rank_from_below,
            count(*) over (partition by period, place) as stays_ended
        from samples
        where is_now
    ),

    intervals as (
        select
            period,
            place,
            min(
                case when rank_from_below = {{ median_low_rank("stays_ended") }} then days end
            ) as median_days_low,
            min(
                case
                    when rank_from_below = stays_ended + 1 - {{ median_low_rank("stays_ended") }}
                    then days
                end
            ) as median_days_high
        from in_order
        where {{ is_enough("stays_ended") }}
        group by period, place
    ),

    steps as (
        select
            period,
            place,
            step,
            count(case when is_now then 1 end) as ended,
            count(case when not is_now then 1 end) as usual_ended
        from samples
        group by period, place, step
    ),

    ranked as (
        select *, sum(ended + usual_ended) over (partition by period, place order by step) as so_far
        from steps
    ),

    tested as (
        select period, place, {{ rank_sum_z("ended", "usual_ended", "so_far") }} as longer_z
        from ranked
        group by period, place
    ),

    final as (
        select
            periods.period_grain,
            periods.period_start,
            places.source_instance,
            places.pipeline,
            places.stage,
            places.team,
            coalesce(counted.stays_ended, 0) as stays_ended,
            counted.median_days,
            intervals.median_days_low,
            intervals.median_days_high,
            coalesce(counted.stays_dropped, 0) as stays_dropped,
            case
                when coalesce(counted.dropped_without_rate, 0) = 0
                then coalesce(counted.money_dropped, 0)
            end as money_dropped,
            coalesce(counted.dropped_without_rate, 0) as dropped_without_rate,
            coalesce(counted.usual_stays_ended, 0) as usual_stays_ended,
            case
                when {{ is_enough("counted.usual_stays_ended") }} then counted.usual_median_days
            end as usual_median_days,
            coalesce(counted.usual_stays_dropped, 0) as usual_stays_dropped,
            tested.longer_z
        from periods
        cross join places
        {%- for one in ["counted", "intervals", "tested"] %}
            left join
                {{ one }} on periods.period = {{ one }}.period and places.place = {{ one }}.place
        {%- endfor %}
    )

select *
from final
