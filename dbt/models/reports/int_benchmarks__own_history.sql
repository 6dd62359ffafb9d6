{%- set statistics = {
    "quarter": [
        "same quarter last year",
        "best quarter",
        "mean of the four quarters before",
    ],
    "year": ["year before", "best year"],
} -%}
-- What the company's numbers of the latest quarter and year were before: a year earlier, at their
-- best, and on the mean of the four quarters before. Of metrics that the company has; the value is
-- NULL where there was none.
with
    own as (
        select metric, variant, is_whole, better, period_grain, period_start
        from {{ ref("int_benchmarks__own") }}
        where period_grain in ('quarter', 'year')
    ),

    numbers as (
        select *
        from {{ ref("kpi_values") }}
        where dimension = 'company' and period_grain in ('quarter', 'year')
    ),

    before as (
        select
            own.*,
            numbers.period_start as benchmark_start,
            numbers.value,
            numbers.n_included as n,
            own.is_whole or {{ is_enough("numbers.n_included") }} as is_enough_data,
            cast({{ dbt.dateadd("month", -12, "own.period_start") }} as date) as year_before
        from own
        inner join
            numbers
            on own.metric = numbers.metric
            and own.variant = numbers.variant
            and own.period_grain = numbers.period_grain
            and own.period_start > numbers.period_start
    ),

    -- Of few records, the best would be chance.
    ranked as (
        select
            *,
            row_number() over (
                partition by metric, variant, period_grain
                order by
                    case when better = 'up' then - value else value end asc, benchmark_start desc
            ) as place
        from before
        where is_enough_data and value is not null
    ),

    had as (
        select
            metric,
            variant,
            case
                period_grain when 'quarter' then 'same quarter last year' else 'year before'
            end as statistic,
            benchmark_start,
            value,
            n,
            is_enough_data
        from before
        where benchmark_start = year_before

        union all

        select
            metric,
            variant,
            'best ' || period_grain as statistic,
            benchmark_start,
            value,
            n,
            is_enough_data
        from ranked
        where place = 1

        union all

        select
            metric,
            variant,
            'mean of the four quarters before' as statistic,
            min(benchmark_start) as benchmark_start,
            case when count(value) = 4 then {{ sum_of_shares("value") }} / 4 end as value,
            sum(n) as n,
            min(case when is_enough_data then 1 else 0 end) = 1 as is_enough_data
        from before
        where benchmark_start >= year_before and period_grain = 'quarter'
        group by metric, variant
    ),

    known as (select distinct metric, variant, period_grain from numbers),

    asked as (
        {%- for grain, names in statistics.items() %}
            {%- set is_last_grain = loop.last %}
            {%- for name in names %}
                select metric, variant, period_grain, '{{ name }}' as statistic
                from known
                where
                    period_grain = '{{ grain }}'
                    {{ 'union all' if not (is_last_grain and loop.last) }}
            {%- endfor %}
        {%- endfor %}
    ),

    final as (
        select
            asked.metric,
            asked.variant,
            asked.period_grain,
            asked.statistic,
            had.benchmark_start,
            had.value,
            had.n,
            had.is_enough_data
        from asked
        left join
            had
            on asked.metric = had.metric
            and asked.variant = had.variant
            and asked.statistic = had.statistic
    )

select *
from final
