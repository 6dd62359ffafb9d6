-- Numbers that are no shares, month by month: how far each rep was from the peers' median in the
-- six months up to one, and where its own are going; with the chance of as much where there is
-- nothing. A month that is not over is no month of a sum's.
with
    scorecard as (
        select *, {{ month_number("month_start") }} as month_number
        from {{ ref("mart_rep_scorecard") }}
        where variant = 'default' and metric in ('{{ talk_levels() | join("', '") }}') and is_active
    ),

    metrics as (select * from {{ ref("int_rep_metrics") }}),

    comparable as (
        select
            scorecard.*,
            metrics.is_sum,
            case
                when
                    scorecard.is_enough_data
                    and scorecard.peer_median is not null
                    and not (
                        metrics.grows and scorecard.month_start >= {{ month_start(ended_by_day()) }}
                    )
                then scorecard.value - scorecard.peer_median
            end as difference
        from scorecard
        inner join
            metrics on scorecard.metric = metrics.metric and scorecard.variant = metrics.variant
    ),

    windows as (
        select
            *,
            count(difference) over six_months as months,
            avg(difference) over six_months as mean_difference,
            stddev_samp(difference) over six_months as scatter,
            avg(case when difference is not null then value end) over six_months as mean_value,
            stddev_samp(case when difference is not null then value end) over six_months
            as value_scatter,
            min(case when difference is not null then value end) over six_months as least_value,
            sum(case when difference is not null then n_included end) over six_months as records
        from comparable
        window
            six_months as (
                partition by rep_id, metric
                order by
                    month_number
                    range between {{ talk_window() | int - 1 }} preceding and current row
            )
    ),

    levels as (
        select
            rep_id,
            month_start,
            'level' as basis,
            metric,
            variant,
            better,
            is_sum,
            peer_group,
            n_peers,
            months,
            mean_value as value,
            mean_value - mean_difference as comparison,
            records as n,
            mean_difference as estimate,
            scatter / sqrt(months) as error,
            greatest(
                mean_value - value_scatter / sqrt(months) * {{ t_once_in_forty("months - 1") }},
                least(least_value, 0)
            ) as low,
            mean_value + value_scatter / sqrt(months) * {{ t_once_in_forty("months - 1") }} as high,
            months - 1 as degrees
        from windows
        where months >= 4 and scatter > 0
    ),

    trends as (
        select
            rep_id,
            month_start,
            'trend' as basis,
            metric,
            variant,
            better,
            is_sum,
            cast(null as {{ dbt.type_string() }}) as peer_group,
            cast(null as bigint) as n_peers,
            trend_months as months,
            trend as value,
            cast(0 as {{ double_type() }}) as comparison,
            trend_months as n,
            trend as estimate,
            (trend_high - trend) / {{ t_once_in_forty("trend_months - 2") }} as error,
            trend_low as low,
            trend_high as high,
            trend_months - 2 as degrees
        from windows
        where trend_high > trend
    ),

    united as (
        select *
        from levels

        union all

        select *
        from trends
    ),

    bounded as (
        select *, {{ student_tail("estimate / error", "degrees") }} as p_above
        from united
        where month_start >= {{ first_talk_month() }}
    ),

    final as (
        select
            rep_id,
            month_start,
            basis,
            metric,
            variant,
            better,
            is_sum,
            peer_group,
            n_peers,
            months,
            value,
            comparison,
            low,
            high,
            n,
            case when better = 'up' then 1 - p_above else p_above end as p_worse,
            case when better = 'up' then p_above else 1 - p_above end as p_better
        from bounded
    )

select *
from final
