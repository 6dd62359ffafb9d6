-- Each rep's value of each metric by month, and whether it may be set beside others'. Who was
-- active
-- and has no row of a sum has 0 of it, once anyone of the role has had one: the median of the
-- others would be too high without.
with
    metrics as (select * from {{ ref("int_rep_metrics") }}),

    months as (select * from {{ ref("int_rep_months") }}),

    people as (select * from {{ ref("dim_rep") }}),

    intervals as (select * from {{ ref("int_rep_intervals") }}),

    told as (
        select
            dimension_key as rep_id, period_start as month_start, metric, variant, value, n_included
        from {{ ref("kpi_values") }}
        where
            period_grain = 'month'
            and dimension = 'rep'
            and dimension_key <> '(none)'
            and period_start <= {{ current_month() }}
    ),

    sums_since as (
        select months.role, told.metric, told.variant, min(told.month_start) as first_month
        from told
        inner join metrics on told.metric = metrics.metric and told.variant = metrics.variant
        inner join months on told.rep_id = months.rep_id and told.month_start = months.month_start
        where metrics.is_sum
        group by months.role, told.metric, told.variant
    ),

    nothing as (
        select
            months.rep_id,
            months.month_start,
            sums_since.metric,
            sums_since.variant,
            cast(0 as {{ double_type() }}) as value,
            0 as n_included
        from months
        inner join
            sums_since
            on months.role = sums_since.role
            and months.month_start >= sums_since.first_month
        left join
            told
            on months.rep_id = told.rep_id
            and months.month_start = told.month_start
            and sums_since.metric = told.metric
            and sums_since.variant = told.variant
        where told.rep_id is null
    ),

    united as (
        select *, month_start < {{ month_start(ended_by_day()) }} as is_over
        from told

        union all

        select *, month_start < {{ month_start(ended_by_day()) }} as is_over
        from nothing
    ),

    final as (
        select
            united.rep_id,
            united.month_start,
            united.metric,
            united.variant,
            metrics.unit,
            metrics.better,
            united.value,
            intervals.low,
            intervals.high,
            united.n_included,
            united.is_over,
            people.rep_name,
            coalesce(months.role, people.role) as role,
            months.team,
            {{ or_none("months.segment") }} as segment,
            months.tenure_band,
            months.rep_id is not null as is_active,
            coalesce(months.is_peer, false) as is_peer,
            united.value is not null
            and (not metrics.needs_sample or {{ is_enough("united.n_included") }})
            and (
                case
                    when metrics.grows
                    then coalesce(months.is_whole, false) and united.is_over
                    when metrics.needs_sample
                    then true
                    else months.rep_id is not null
                end
            ) as is_enough_data,
            -- What lies beside whole months is a whole month.
            case
                when
                    not metrics.matures
                    and (not metrics.grows or (coalesce(months.is_whole, false) and united.is_over))
                then united.value
            end as value_in_trend
        from united
        inner join metrics on united.metric = metrics.metric and united.variant = metrics.variant
        left join people on united.rep_id = people.rep_id
        left join
            months on united.rep_id = months.rep_id and united.month_start = months.month_start
        left join
            intervals
            on united.rep_id = intervals.rep_id
            and united.month_start = intervals.month_start
            and united.metric = intervals.metric
            and united.variant = intervals.variant
    )

select *
from final
