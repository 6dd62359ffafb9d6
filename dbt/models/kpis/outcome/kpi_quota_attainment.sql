-- A cell with a quota that no rate values has no quota: a part of it would be reached too soon.
with
    cells as (
        select
            variant,
            period_grain,
            period_start,
            dimension,
            dimension_key,
            sum(won) as won,
            case
                when count(case when exclusion_reason = 'no_rate' then 1 end) = 0 then sum(quota)
            end as quota,
            count(case when exclusion_reason is null then rep end) as reps,
            count(exclusion_reason) as n_excluded
        from {{ ref("int_quota_attainment__members") }}
        where
            (period_start is null or period_start <= {{ current_month() }})
            and coalesce(exclusion_reason, '') <> 'quota_of_others'
        group by variant, period_grain, period_start, dimension, dimension_key
    ),

    valued as (
        select
            variant,
            period_grain,
            period_start,
            dimension,
            dimension_key,
            {{ ratio("coalesce(won, 0)", "quota") }} as value,
            coalesce(won, 0) as numerator,
            coalesce(quota, 0) as denominator,
            -- A quota that nobody is behind yet is a record, too.
            greatest(reps, case when quota is not null then 1 else 0 end) as n_included,
            n_excluded
        from cells
    )

    {{ kpi_rows("valued", "quota_attainment", "ratio") }}
