with
    targets as (
        select *, case measure when 'revenue' then 'default' else measure end as variant
        from {{ ref("int_quota_attainment__periods") }}
    ),

    of_reps as (select * from targets where target = 'rep'),

    from_reps as (
        {%- for dimension, key in quota_cuts() %}
            select
                variant,
                period_grain,
                period_start,
                '{{ dimension }}' as dimension,
                {{ key }} as dimension_key,
                sum(won) as won,
                sum(quota) as quota,
                count(case when exclusion_reason is null then 1 end) as n_included,
                count(exclusion_reason) as n_excluded
            from of_reps
            group by
                variant,
                period_grain,
                period_start{{ ', ' ~ key if dimension != 'company' }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    own as (
        select
            variant,
            period_grain,
            period_start,
            target as dimension,
            target_key as dimension_key,
            won,
            quota
        from targets
        where target in ('company', 'team')
    ),

    valued as (
        select
            coalesce(own.variant, from_reps.variant) as variant,
            coalesce(own.period_grain, from_reps.period_grain) as period_grain,
            coalesce(own.period_start, from_reps.period_start) as period_start,
            coalesce(own.dimension, from_reps.dimension) as dimension,
            coalesce(own.dimension_key, from_reps.dimension_key) as dimension_key,
            {{ ratio("coalesce(own.won, from_reps.won)", "coalesce(own.quota, from_reps.quota)") }}
            as value,
            coalesce(own.won, from_reps.won, 0) as numerator,
            coalesce(own.quota, from_reps.quota, 0) as denominator,
            coalesce(from_reps.n_included, 0) as n_included,
            coalesce(from_reps.n_excluded, 0) as n_excluded
        from from_reps
        full outer join
            own
            on from_reps.variant = own.variant
            and from_reps.period_grain = own.period_grain
            and coalesce(from_reps.period_start, date '0001-01-01')
            = coalesce(own.period_start, date '0001-01-01')
            and from_reps.dimension = own.dimension
            and from_reps.dimension_key = own.dimension_key
    )

    {{ kpi_rows("valued", "quota_attainment", "ratio") }}
