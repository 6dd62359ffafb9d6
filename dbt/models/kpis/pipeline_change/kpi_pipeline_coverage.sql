with
    periods as (select * from {{ ref("int_pipeline_coverage__periods") }}),

    valued as (
        {%- for variant, due, quota, when in [
            ("default", "due", "greatest(quota - won, 0)", "is_current_or_coming"),
            ("total", "due", "quota", "is_current_or_coming"),
            ("at_start", "due_at_start", "quota", "has_begun"),
        ] %}
            select
                '{{ variant }}' as variant,
                period_grain,
                period_start,
                dimension,
                dimension_key,
                {{ ratio(due, quota) }} as value,
                {{ due }} as numerator,
                {{ quota }} as denominator,
                {{ due }}_deals as n_included,
                {{ due }}_without_amount as n_excluded
            from periods
            where
                {{ when }} and (has_quota or {{ due }}_deals + {{ due }}_without_amount > 0)
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

    {{ kpi_rows("valued", "pipeline_coverage", "ratio") }}
