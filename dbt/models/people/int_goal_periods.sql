{%- set adverbs = {"month": "monthly", "quarter": "quarterly", "year": "yearly"} -%}
-- Each goal with each of its periods that has begun: what was to be reached, and what is. Quotas of
-- the company, its teams and reps are goals on what they won, in periods no shorter than those that
-- they are given for; their actual is what counts against the quota.
with
    goals as (select * from {{ ref("int_goals") }}),

    numbers as (
        select * from {{ ref("kpi_values") }} where period_grain in ('month', 'quarter', 'year')
    ),

    days as (
        select
            *,
            case when is_working_day then 1 else 0 end as worked,
            case when date_day <= {{ as_of_day() }} then 1 else 0 end as has_come
        from {{ ref("dim_date") }}
    ),

    periods as (
        {%- for grain, start in [
            ("month", "month_start"),
            ("quarter", "fiscal_quarter_start"),
            ("year", "fiscal_year_start"),
        ] %}
            select
                '{{ grain }}' as period_grain,
                {{ start }} as period_start,
                max(date_day) as period_end,
                sum(worked) as working_days,
                sum(worked * has_come) as working_days_elapsed
            from days
            group by {{ start }}
            having
                min(date_day) = {{ start }} and {{ start }} <= {{ as_of_day() }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    -- Since when the company has numbers of a metric: before, 0 would be a claim.
    known as (
        select metric, variant, period_grain, min(period_start) as first_start
        from numbers
        where dimension = 'company'
        group by metric, variant, period_grain
    ),

    parts as (
        select metric, variant, dimension, dimension_key
        from {{ ref("kpi_values") }}
        group by metric, variant, dimension, dimension_key
    ),

    of_goals as (
        select
            goals.goal,
            'goal' as kind_of_goal,
            goals.metric,
            goals.variant,
            goals.unit,
            goals.kind,
            goals.better,
            goals.is_additive,
            goals.is_state,
            goals.dimension,
            goals.dimension_key,
            goals.period_grain,
            periods.period_start,
            goals.target,
            case
                when numbers.metric is not null
                then numbers.value
                when
                    goals.is_additive
                    and parts.metric is not null
                    and periods.period_start >= known.first_start
                then 0
            end as actual,
            numbers.numerator,
            numbers.denominator,
            numbers.n_included,
            parts.metric is not null as is_part_known
        from goals
        left join
            known
            on goals.metric = known.metric
            and goals.variant = known.variant
            and goals.period_grain = known.period_grain
        left join
            parts
            on goals.metric = parts.metric
            and goals.variant = parts.variant
            and goals.dimension = parts.dimension
            and goals.dimension_key = parts.dimension_key
        inner join
            periods
            on goals.period_grain = periods.period_grain
            and (
                periods.period_start >= coalesce(goals.first_day, known.first_start)
                or (
                    coalesce(goals.first_day, known.first_start) is null
                    and periods.period_end >= {{ as_of_day() }}
                )
            )
            and (goals.last_day is null or periods.period_start <= goals.last_day)
        left join
            numbers
            on goals.metric = numbers.metric
            and goals.variant = numbers.variant
            and goals.dimension = numbers.dimension
            and goals.dimension_key = numbers.dimension_key
            and goals.period_grain = numbers.period_grain
            and periods.period_start = numbers.period_start
    ),

    -- How short the periods are that quotas are given for; a sum of others' has the shortest.
    given as (
        select
            measure,
            target,
            target_key,
            min(case period_grain when 'month' then 1 when 'quarter' then 2 else 3 end) as shortest
        from {{ ref("fct_quotas") }}
        group by measure, target, target_key
    ),

    given_at_all as (select measure, min(shortest) as shortest from given group by measure),

    quotas as (
        select
            *,
            case variant when 'default' then 'revenue' else 'deals' end as measure,
            case period_grain when 'month' then 1 when 'quarter' then 2 else 3 end as length
        from numbers
        where
            metric = 'quota_attainment'
            and variant in ('default', 'deals')
            and dimension in ('company', 'team', 'rep')
            and denominator > 0
            and period_start <= {{ as_of_day() }}
    ),

    of_quotas as (
        select
            'quota: ' || case
                quotas.period_grain
                {%- for grain, adverb in adverbs.items() %}
                    when '{{ grain }}' then '{{ adverb }}'
                {%- endfor %}
            end
            || ' '
            || quotas.measure
            || case
                quotas.dimension
                when 'company'
                then ' of the company'
                else ' of ' || quotas.dimension || ' ' || quotas.dimension_key
            end as goal,
            'quota' as kind_of_goal,
            quotas.measure || '_won' as metric,
            'default' as variant,
            case quotas.measure when 'revenue' then 'money' else 'deals' end as unit,
            'sum' as kind,
            'up' as better,
            true as is_additive,
            false as is_state,
            quotas.dimension,
            quotas.dimension_key,
            quotas.period_grain,
            quotas.period_start,
            cast(quotas.denominator as {{ double_type() }}) as target,
            cast(quotas.numerator as {{ double_type() }}) as actual,
            quotas.numerator,
            quotas.denominator,
            quotas.n_included,
            true as is_part_known
        from quotas
        inner join given_at_all on quotas.measure = given_at_all.measure
        left join
            given
            on quotas.measure = given.measure
            and quotas.dimension = given.target
            and quotas.dimension_key = given.target_key
        where quotas.length >= coalesce(given.shortest, given_at_all.shortest)
    ),

    united as (
        select *
        from of_goals

        union all

        select *
        from of_quotas
    ),

    final as (
        select
            united.*,
            periods.period_end,
            periods.working_days,
            periods.working_days_elapsed,
            periods.period_end < {{ ended_by_day() }} as has_ended
        from united
        inner join
            periods
            on united.period_grain = periods.period_grain
            and united.period_start = periods.period_start
    )

select *
from final
