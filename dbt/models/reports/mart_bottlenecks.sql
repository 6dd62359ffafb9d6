-- Where deals stall or drop: per open stage and period, for the company (team `all`) and each team,
-- against the stays of the year before there. Verdicts are those of int_stage_signs.
-- Money with an amount that no rate values is NULL, and the row says of how many.
with
    periods as (select * from {{ ref("int_stage_periods") }}),

    open_deals as (select * from {{ ref("int_open_stays__month_end") }}),

    stages as (
        select
            source_instance,
            {{ or_none("pipeline") }} as pipeline,
            stage,
            min(stage_order) as stage_order
        from {{ ref("fct_stage_visits") }}
        group by source_instance, {{ or_none("pipeline") }}, stage
    ),

    at_period_end as (
        {%- for grain in ["month", "quarter"] %}
            {%- for team in ["'all'", "team"] %}
                select
                    '{{ grain }}' as period_grain,
                    {{ fiscal_period_start("month_start", grain) }} as period_start,
                    source_instance,
                    pipeline,
                    stage,
                    {{ team }} as team,
                    amount,
                    is_without_rate,
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
            periods.source_instance,
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
            ) as money_held_up,
            count(case when at_period_end.is_without_rate then 1 end) as open_without_rate,
            count(
                case
                    when
                        at_period_end.is_without_rate
                        and at_period_end.age_days > 2 * periods.usual_median_days
                    then 1
                end
            ) as held_up_without_rate
        from at_period_end
        inner join
            periods
            on at_period_end.period_grain = periods.period_grain
            and at_period_end.period_start = periods.period_start
            and at_period_end.source_instance = periods.source_instance
            and at_period_end.pipeline = periods.pipeline
            and at_period_end.stage = periods.stage
            and at_period_end.team = periods.team
        group by
            periods.period_grain,
            periods.period_start,
            periods.source_instance,
            periods.pipeline,
            periods.stage,
            periods.team
    ),

    stalls as (select * from {{ ref("int_stage_stalls") }}),

    signs as (select * from {{ ref("int_stage_signs") }}),

    measured as (
        select
            periods.*,
            stages.stage_order,
            coalesce(held_up.stays_open, 0) as stays_open,
            case
                when periods.usual_median_days is not null then coalesce(held_up.stays_stalled, 0)
            end as stays_stalled,
            case
                when coalesce(held_up.open_without_rate, 0) = 0 then coalesce(held_up.money_open, 0)
            end as money_open,
            case
                when
                    periods.usual_median_days is not null
                    and coalesce(held_up.held_up_without_rate, 0) = 0
                then coalesce(held_up.money_held_up, 0)
            end as money_held_up,
            coalesce(held_up.open_without_rate, 0) + periods.dropped_without_rate as n_without_rate,
            coalesce(stalls.stays_due, 0) as stays_due,
            coalesce(stalls.stays_late, 0) as stays_late,
            coalesce(stalls.usual_stays_due, 0) as usual_stays_due,
            stalls.usual_stays_late,
            signs.is_slow,
            signs.is_stalling,
            signs.is_dropping
        from periods
        left join
            stages
            on periods.source_instance = stages.source_instance
            and periods.pipeline = stages.pipeline
            and periods.stage = stages.stage
        {%- for other in ["held_up", "stalls", "signs"] %}
            left join
                {{ other }}
                on periods.period_grain = {{ other }}.period_grain
                and periods.period_start = {{ other }}.period_start
                and periods.source_instance = {{ other }}.source_instance
                and periods.pipeline = {{ other }}.pipeline
                and periods.stage = {{ other }}.stage
                and periods.team = {{ other }}.team
        {%- endfor %}
        where periods.stays_ended > 0 or held_up.stays_open > 0 or stalls.stays_due > 0
    ),

    with_intervals as (
        select
            *,
            {{ ratio("stays_dropped", "stays_ended") }} as drop_rate,
            {{ wilson_low("stays_dropped", "stays_ended") }} as drop_rate_low,
            {{ wilson_high("stays_dropped", "stays_ended") }} as drop_rate_high,
            case
                when {{ is_enough("usual_stays_ended") }}
                then {{ ratio("usual_stays_dropped", "usual_stays_ended") }}
            end as usual_drop_rate,
            {{ ratio("stays_late", "stays_due") }} as stalled_share,
            {{ wilson_low("stays_late", "stays_due") }} as stalled_share_low,
            {{ wilson_high("stays_late", "stays_due") }} as stalled_share_high,
            case
                when {{ is_enough("usual_stays_due") }}
                then {{ ratio("usual_stays_late", "usual_stays_due") }}
            end as usual_stalled_share
        from measured
    ),

    judged as (
        select
            *,
            case
                when is_slow or is_stalling or is_dropping
                then true
                when coalesce(is_slow, is_stalling, is_dropping) is not null
                then false
            end as is_bottleneck
        from with_intervals
    ),

    runs as (
        select
            *,
            count(case when is_bottleneck then null else 1 end) over (
                partition by period_grain, source_instance, pipeline, stage, team
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
                || source_instance
                || '|'
                || pipeline
                || '|'
                || stage
                || '|'
                || team
            ) as bottleneck_key,
            cast(period_grain as {{ dbt.type_string() }}) as period_grain,
            period_start,
            source_instance,
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
                            coalesce(money_held_up, 0) desc,
                            coalesce(money_dropped, 0) desc,
                            source_instance,
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
                        partition by period_grain, source_instance, pipeline, stage, team, run
                    )
            end as bottleneck_since,
            is_slow,
            is_stalling,
            is_dropping,
            cast(money_held_up as {{ numeric_type() }}) as money_held_up,
            cast(money_open as {{ numeric_type() }}) as money_open,
            cast(money_dropped as {{ numeric_type() }}) as money_dropped,
            cast(n_without_rate as bigint) as n_without_rate,
            cast(stays_ended as bigint) as stays_ended,
            cast(median_days as {{ double_type() }}) as median_days,
            cast(median_days_low as {{ double_type() }}) as median_days_low,
            cast(median_days_high as {{ double_type() }}) as median_days_high,
            cast(usual_stays_ended as bigint) as usual_stays_ended,
            cast(usual_median_days as {{ double_type() }}) as usual_median_days,
            cast(stays_open as bigint) as stays_open,
            cast(stays_stalled as bigint) as stays_stalled,
            cast(stays_due as bigint) as stays_due,
            cast(stays_late as bigint) as stays_late,
            cast(stalled_share as {{ double_type() }}) as stalled_share,
            cast(stalled_share_low as {{ double_type() }}) as stalled_share_low,
            cast(stalled_share_high as {{ double_type() }}) as stalled_share_high,
            cast(usual_stays_due as bigint) as usual_stays_due,
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
