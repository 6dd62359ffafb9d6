-- How far each goal is, period by period, and where it will land at the pace of late.
with
    goals as (select * from {{ ref("int_goal_periods") }}),

    labels as (select * from {{ ref("int_dimension_labels") }}),

    joined as (
        select
            goals.*,
            coalesce(labels.dimension_label, goals.dimension_key) as dimension_label,
            cast(goals.numerator as {{ double_type() }}) as successes,
            cast(goals.denominator as {{ double_type() }}) as trials,
            days.days_before,
            days.days_to_come,
            days.never_falls,
            days.n as n_lately,
            samples.n as n_sample,
            samples.standard_error,
            {{ ratio("days.amount", "days.days_before") }} as mean_of_day,
            (days.squares - days.amount * days.amount / nullif(days.days_before, 0))
            / nullif(days.days_before - 1, 0) as variance_of_day
        from goals
        left join
            {{ ref("int_goal_days") }} as days
            on goals.goal = days.goal
            and goals.period_start = days.period_start
        left join
            {{ ref("int_goal_samples") }} as samples
            on goals.goal = samples.goal
            and goals.period_start = samples.period_start
        left join
            labels
            on goals.dimension = labels.dimension
            and goals.dimension_key = labels.dimension_key
    ),

    based as (
        select
            *,
            case
                when actual is null
                then null
                when has_ended
                then 'ended'
                when is_additive
                then
                    case
                        when days_to_come = 0
                        then 'present'
                        when {{ is_enough("days_before") }} and {{ is_enough("n_lately") }}
                        then 'days'
                    end
                when needs_sample and not {{ is_enough("coalesce(n_included, 0)") }}
                then null
                when (kind = 'share' and not is_state) or standard_error is not null
                then 'sample'
                else 'present'
            end as basis
        from joined
    ),

    projected as (
        select
            *,
            case
                when basis = 'days'
                then actual + days_to_come * mean_of_day
                when basis is not null
                then actual
            end as landing,
            case
                when basis = 'days'
                then
                    {{ t_once_in_forty("days_before - 1") }} * sqrt(
                        greatest(variance_of_day, 0) * (
                            days_to_come
                            + days_to_come * cast(days_to_come as {{ double_type() }}) / days_before
                        )
                    )
                when basis = 'sample' and kind = 'quotient'
                then {{ t_once_in_forty("n_sample - 1") }} * standard_error
            end as margin
        from based
    ),

    bounded as (
        select
            *,
            case
                when basis = 'sample' and kind = 'share'
                then {{ wilson_low("successes", "trials") }}
                when basis = 'days' and never_falls
                then greatest(landing - margin, actual)
                else landing - margin
            end as low,
            case
                when basis = 'sample' and kind = 'share'
                then {{ wilson_high("successes", "trials") }}
                else landing + margin
            end as high
        from projected
    ),

    -- Whichever way is better, `short` is what a value lacks of the target. Of what adds up a
    -- landing
    -- rests on days and what they brought, else on the records of the value.
    judged as (
        select
            *,
            case
                when basis = 'days' or (basis is null and is_additive) then days_before
            end as landing_days,
            case
                when basis = 'days' or (basis is null and is_additive)
                then n_lately
                when basis = 'sample' and kind = 'quotient'
                then n_sample
                else n_included
            end as landing_records,
            case when better = 'up' then target - actual else actual - target end as short,
            case
                when better = 'up'
                then target - coalesce(low, landing)
                else coalesce(high, landing) - target
            end as short_at_worst,
            case
                when better = 'up'
                then target - coalesce(high, landing)
                else coalesce(low, landing) - target
            end as short_at_best
        from bounded
    ),

    final as (
        select
            cast(goal as {{ dbt.type_string() }}) as goal,
            cast(kind_of_goal as {{ dbt.type_string() }}) as kind_of_goal,
            cast(metric as {{ dbt.type_string() }}) as metric,
            cast(variant as {{ dbt.type_string() }}) as variant,
            cast(unit as {{ dbt.type_string() }}) as unit,
            cast(better as {{ dbt.type_string() }}) as better,
            cast(dimension as {{ dbt.type_string() }}) as dimension,
            dimension_key,
            dimension_label,
            cast(period_grain as {{ dbt.type_string() }}) as period_grain,
            period_start,
            period_end,
            target,
            cast(actual as {{ double_type() }}) as actual,
            cast(
                case
                    when is_additive and not has_ended
                    then target * {{ ratio("working_days_elapsed", "working_days") }}
                    else target
                end as {{ double_type() }}
            ) as pace,
            cast(landing as {{ double_type() }}) as landing,
            cast(low as {{ double_type() }}) as low,
            cast(high as {{ double_type() }}) as high,
            cast(landing_days as bigint) as landing_days,
            cast(landing_records as bigint) as landing_records,
            cast(working_days_left as bigint) as days_left,
            cast(working_days as bigint) as working_days,
            cast(n_included as bigint) as n_included,
            basis,
            case
                when has_ended and short <= 0
                then 'met'
                when has_ended and short > 0
                then 'missed'
                when is_additive and better = 'up' and short <= 0
                then 'met'
                when is_additive and better = 'down' and short > 0
                then 'missed'
                when short_at_worst <= 0
                then 'on_course'
                when short_at_best > 0
                then 'behind'
                else 'undecidable'
            end as verdict,
            case
                when basis is not null
                then null
                when not is_part_known
                then 'unknown_key'
                when actual is null
                then 'no_value'
                else 'few_records'
            end as why
        from judged
    )

select *
from final
