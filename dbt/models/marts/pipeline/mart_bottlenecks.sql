-- Where deals stall or drop: per open stage and period, for the company (team `all`) and each team,
-- against what was usual there in the year before.
with
    periods as (select * from {{ ref("int_stage_periods") }}),

    open_deals as (select * from {{ ref("int_open_stays__month_end") }}),

    stages as (
        select {{ or_none("pipeline") }} as pipeline, stage, min(stage_order) as stage_order
        from {{ ref("fct_stage_visits") }}
        group by {{ or_none("pipeline") }}, stage
    ),

    at_period_end as (
        {%- for grain in ["month", "quarter"] %}
            {%- for team in ["'all'", "team"] %}
                select
                    '{{ grain }}' as period_grain,
                    {{ fiscal_period_start("month_start", grain) }} as period_start,
                    pipeline,
                    stage,
                    {{ team }} as team,
                    amount,
                    age_days
                from open_deals
                where
                    {{ kpi_month_counts("month_start", grain, true) }}
                    {{ 'union all' if not loop.last }}
                {%- endfor %} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    held_up as (
        select
            periods.period_grain,
            periods.period_start,
            periods.pipeline,
            periods.stage,
            periods.team,
            count(*) as stays_open,
            count(
                case when at_period_end.age_days > 2 * periods.usual_median_days then 1 end
            ) as stays_stalled,
            sum(at_period_end.amount) as money_open,
            sum(
                case
                    when at_period_end.age_days > 2 * periods.usual_median_days
                    then at_period_end.amount
                end
            ) as money_held_up
        from at_period_end
        inner join
            periods
            on at_period_end.period_grain = periods.period_grain
            and at_period_end.period_start = periods.period_start
            and at_period_end.pipeline = periods.pipeline
            and at_period_end.stage = periods.stage
            and at_period_end.team = periods.team
        group by
            periods.period_grain,
            periods.period_start,
            periods.pipeline,
            periods.stage,
            periods.team
    ),

    year_before as (
        select
            periods.period_grain,
            periods.period_start,
            periods.pipeline,
            periods.stage,
            periods.team,
            {{ ratio("sum(held_up.stays_stalled)", "sum(held_up.stays_open)") }}
            as usual_stalled_share
        from periods
        inner join
            held_up
            on periods.period_grain = held_up.period_grain
            and periods.pipeline = held_up.pipeline
            and periods.stage = held_up.stage
            and periods.team = held_up.team
            and held_up.period_start < periods.period_start
            and held_up.period_start >= {{ dbt.dateadd("year", -1, "periods.period_start") }}
        group by
            periods.period_grain,
            periods.period_start,
            periods.pipeline,
            periods.stage,
            periods.team
        having {{ is_enough("sum(held_up.stays_open)") }}
    ),

    measured as (
        select
            periods.*,
            stages.stage_order,
            coalesce(held_up.stays_open, 0) as stays_open,
            coalesce(held_up.stays_stalled, 0) as stays_stalled,
            coalesce(held_up.money_open, 0) as money_open,
            coalesce(held_up.money_held_up, 0) as money_held_up,
            year_before.usual_stalled_share,
            {{ median_margin("periods.p25_days", "periods.p75_days", "periods.stays_ended") }}
            as median_margin
        from periods
        left join stages on periods.pipeline = stages.pipeline and periods.stage = stages.stage
        left join
            held_up
            on periods.period_grain = held_up.period_grain
            and periods.period_start = held_up.period_start
            and periods.pipeline = held_up.pipeline
            and periods.stage = held_up.stage
            and periods.team = held_up.team
        left join
            year_before
            on periods.period_grain = year_before.period_grain
            and periods.period_start = year_before.period_start
            and periods.pipeline = year_before.pipeline
            and periods.stage = year_before.stage
            and periods.team = year_before.team
        where periods.stays_ended > 0 or held_up.stays_open > 0
    ),

    with_intervals as (
        select
            *,
            case
                when median_margin > median_days then 0 else median_days - median_margin
            end as median_days_low,
            median_days + median_margin as median_days_high,
            {{ ratio("stays_dropped", "stays_ended") }} as drop_rate,
            {{ wilson_low("stays_dropped", "stays_ended") }} as drop_rate_low,
            {{ wilson_high("stays_dropped", "stays_ended") }} as drop_rate_high,
            {{ ratio("stays_stalled", "stays_open") }} as stalled_share,
            {{ wilson_low("stays_stalled", "stays_open") }} as stalled_share_low,
            {{ wilson_high("stays_stalled", "stays_open") }} as stalled_share_high
        from measured
    ),

    compared as (
        select
            *,
            coalesce(median_days_low > usual_median_days, false) as is_slow,
            coalesce(
                {{ is_enough("stays_open") }} and stalled_share_low > usual_stalled_share, false
            ) as is_stalling,
            coalesce(
                {{ is_enough("stays_ended") }} and drop_rate_low > usual_drop_rate, false
            ) as is_dropping
        from with_intervals
    ),

    judged as (select *, is_slow or is_stalling or is_dropping as is_bottleneck from compared),

    runs as (
        select
            *,
            count(case when not is_bottleneck then 1 end) over (
                partition by period_grain, pipeline, stage, team
                order by period_start
                rows between unbounded preceding and current row
            ) as run
        from judged
    ),

    final as (
        select
            md5(
                period_grain
                || '|'
                || period_start
                || '|'
                || pipeline
                || '|'
                || stage
                || '|'
                || team
            ) as bottleneck_key,
            cast(period_grain as {{ dbt.type_string() }}) as period_grain,
            period_start,
            pipeline,
            stage,
            stage_order,
            team,
            is_bottleneck,
            case
                when is_bottleneck
                then
                    row_number() over (
                        partition by
                            period_grain,
                            period_start,
                            is_bottleneck,
                            case when team = 'all' then 0 else 1 end
                        order by
                            money_held_up desc,
                            money_dropped desc,
                            pipeline,
                            stage_order,
                            stage,
                            team
                    )
            end as bottleneck_rank,
            case
                when is_bottleneck
                then
                    min(case when is_bottleneck then period_start end) over (
                        partition by period_grain, pipeline, stage, team, run
                    )
            end as bottleneck_since,
            is_slow,
            is_stalling,
            is_dropping,
            cast(money_held_up as {{ numeric_type() }}) as money_held_up,
            cast(money_open as {{ numeric_type() }}) as money_open,
            cast(money_dropped as {{ numeric_type() }}) as money_dropped,
            cast(stays_ended as bigint) as stays_ended,
            cast(median_days as {{ double_type() }}) as median_days,
            cast(median_days_low as {{ double_type() }}) as median_days_low,
            cast(median_days_high as {{ double_type() }}) as median_days_high,
            cast(usual_median_days as {{ double_type() }}) as usual_median_days,
            cast(stays_open as bigint) as stays_open,
            cast(stays_stalled as bigint) as stays_stalled,
            cast(stalled_share as {{ double_type() }}) as stalled_share,
            cast(stalled_share_low as {{ double_type() }}) as stalled_share_low,
            cast(stalled_share_high as {{ double_type() }}) as stalled_share_high,
            cast(usual_stalled_share as {{ double_type() }}) as usual_stalled_share,
            cast(stays_dropped as bigint) as stays_dropped,
            cast(drop_rate as {{ double_type() }}) as drop_rate,
            cast(drop_rate_low as {{ double_type() }}) as drop_rate_low,
            cast(drop_rate_high as {{ double_type() }}) as drop_rate_high,
            cast(usual_drop_rate as {{ double_type() }}) as usual_drop_rate
        from runs
    )

select *
from final
