-- A cell with a quota that no rate values has no quota: a part of it would be reached too soon.
with
    members as (
        select *
        from {{ ref("int_quota_attainment__members") }}
        where
            (period_start is null or period_start <= {{ current_month() }})
            and coalesce(exclusion_reason, '') <> 'quota_of_others'
    ),

    manned as (
        select distinct variant, period_grain, period_start, dimension_key as team
        from members
        where dimension = 'team' and rep is not null and exclusion_reason is null
    ),

    cells as (
        select
            members.variant,
            members.period_grain,
            members.period_start,
            members.dimension,
            members.dimension_key,
            sum(members.won) as won,
            case
                when count(case when members.exclusion_reason = 'no_rate' then 1 end) = 0
                then sum(members.quota)
            end as quota,
            count(case when members.exclusion_reason is null then members.rep end) as reps,
            count(case when manned.team is null then members.own_team end) as teams_of_nobody,
            count(members.exclusion_reason) as n_excluded
        from members
        left join
            manned
            on members.own_team = manned.team
            and members.variant = manned.variant
            and members.period_grain = manned.period_grain
            and (
                members.period_start = manned.period_start
                or (members.period_start is null and manned.period_start is null)
            )
        group by
            members.variant,
            members.period_grain,
            members.period_start,
            members.dimension,
            members.dimension_key
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
            greatest(
                reps + teams_of_nobody, case when quota is not null then 1 else 0 end
            ) as n_included,
            n_excluded
        from cells
    )

    {{ kpi_rows("valued", "quota_attainment", "ratio") }}
