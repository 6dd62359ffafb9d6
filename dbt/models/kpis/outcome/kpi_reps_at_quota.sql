with
    reps as (
        select *, case when won >= quota then 1 else 0 end as is_at_quota
        from {{ ref("int_quota_attainment__periods") }}
        where target = 'rep' and measure = 'revenue' and (quota > 0 or exclusion_reason is not null)
    ),

    counted as (
        {%- for dimension, key in quota_cuts() %}
            select
                'default' as variant,
                period_grain,
                period_start,
                '{{ dimension }}' as dimension,
                {{ key }} as dimension_key,
                sum(case when exclusion_reason is null then is_at_quota else 0 end) as numerator,
                count(case when exclusion_reason is null then 1 end) as denominator,
                count(exclusion_reason) as n_excluded
            from reps
            group by
                period_grain,
                period_start{{ ', ' ~ key if dimension != 'company' }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    valued as (
        select
            variant,
            period_grain,
            period_start,
            dimension,
            dimension_key,
            {{ ratio("numerator", "denominator") }} as value,
            numerator,
            denominator,
            denominator as n_included,
            n_excluded
        from counted
    )

    {{ kpi_rows("valued", "reps_at_quota", "ratio") }}
