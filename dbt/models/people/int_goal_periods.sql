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
            case
                when date_day < {{ ended_by_day() }}
                then 1
                when date_day = {{ ended_by_day() }}
                then {{ share_of_day_worked() }}
                else 0
            end as has_passed
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
                {{ sum_of_shares("worked * has_passed") }} as working_days_elapsed,
                sum(
                    case when date_day >= {{ ended_by_day() }} then worked else 0 end
                ) as working_days_left
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

    -- Whatever is known, by the tables of people and accounts or by any number: who has nothing of
    -- a metric is there all the same.
    parts as (
        select dimension, dimension_key
        from {{ ref("kpi_values") }}

        union

        select 'rep' as dimension, rep_id as dimension_key
        from {{ ref("dim_rep") }}

        union

        select 'manager' as dimension, manager_id as dimension_key
        from {{ ref("dim_rep") }}

        {%- for name in ["team", "region", "segment"] %}

            union

            select '{{ name }}' as dimension, {{ name }} as dimension_key
            from {{ ref("dim_rep") }}
        {%- endfor %}
    ),

    -- Of what is owned or open at a moment, the company has a number in each period that it is
    -- known of; of what adds up, from the first one on.
    of_company as (
        select metric, variant, period_grain, period_start from numbers where dimension = 'company'
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
            goals.needs_sample,
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
                    and parts.dimension is not null
                    and periods.period_start >= known.first_start
                then 0
                when
                    goals.is_state
                    and goals.kind = 'sum'
                    and parts.dimension is not null
                    and of_company.metric is not null
                then 0
            end as actual,
            numbers.numerator,
            numbers.denominator,
            numbers.n_included,
            parts.dimension is not null as is_part_known
        from goals
        left join
            known
            on goals.metric = known.metric
            and goals.variant = known.variant
            and goals.period_grain = known.period_grain
        left join
            parts on goals.dimension = parts.dimension and goals.dimension_key = parts.dimension_key
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
        left join
            of_company
            on goals.metric = of_company.metric
            and goals.variant = of_company.variant
            and goals.period_grain = of_company.period_grain
            and periods.period_start = of_company.period_start
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

    -- In how many months of a period there is a quota at all: of part of one it is no goal.
    covered as (
        {%- for grain in ["month", "quarter", "year"] %}
            select
                measure,
                target,
                target_key,
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                count(distinct month_start) as months
            from {{ ref("int_quotas__daily") }}
            group by
                measure,
                target,
                target_key,
                {{ fiscal_period_start("month_start", grain) }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    covered_at_all as (
        select measure, period_grain, period_start, max(months) as months
        from covered
        group by measure, period_grain, period_start
    ),

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
            false as needs_sample,
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
        left join
            covered
            on quotas.measure = covered.measure
            and quotas.dimension = covered.target
            and quotas.dimension_key = covered.target_key
            and quotas.period_grain = covered.period_grain
            and quotas.period_start = covered.period_start
        left join
            covered_at_all
            on quotas.measure = covered_at_all.measure
            and quotas.period_grain = covered_at_all.period_grain
            and quotas.period_start = covered_at_all.period_start
        where
            quotas.length >= coalesce(given.shortest, given_at_all.shortest)
            and coalesce(covered.months, covered_at_all.months)
            = case quotas.period_grain when 'month' then 1 when 'quarter' then 3 else 12 end
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
            periods.working_days_left,
            periods.period_end < {{ ended_by_day() }} as has_ended
        from united
        inner join
            periods
            on united.period_grain = periods.period_grain
            and united.period_start = periods.period_start
    )

select *
from final
