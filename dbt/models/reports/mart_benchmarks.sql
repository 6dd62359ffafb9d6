{%- set few = "fewer than ten records" -%}
-- The company's numbers of the latest period that has ended, beside what others have published of
-- the same definition, and beside its own past. What cannot be compared says why.
with
    -- Of shares Wilson's interval, of means t; none of sums, medians and states.
    own as (
        select
            own.*,
            case
                when own.kind = 'share' and not own.is_state and not own.is_whole
                then {{ wilson_low("own.numerator", "own.denominator") }}
                else
                    own.own_value
                    - {{ t_once_in_forty("nullif(samples.n - 1, 0)") }} * samples.standard_error
            end as own_low,
            case
                when own.kind = 'share' and not own.is_state and not own.is_whole
                then {{ wilson_high("own.numerator", "own.denominator") }}
                else
                    own.own_value
                    + {{ t_once_in_forty("nullif(samples.n - 1, 0)") }} * samples.standard_error
            end as own_high
        from {{ ref("int_benchmarks__own") }} as own
        left join
            {{ ref("int_benchmarks__samples") }} as samples
            on own.metric = samples.metric
            and own.variant = samples.variant
            and own.period_grain = samples.period_grain
    ),

    begun as (
        select metric, variant, min(period_start) as first_month
        from {{ ref("kpi_values") }}
        where dimension = 'company' and period_grain = 'month'
        group by metric, variant
    ),

    figures as (
        select
            metric,
            nullif(variant, '') as variant,
            definition,
            statistic,
            value,
            unit,
            nullif(period_grain, '') as period_grain,
            nullif(segment, '') as segment,
            sample_size,
            cast(right(nullif(period, ''), 4) as integer) as year,
            publisher,
            source,
            url,
            evidence
        from {{ ref("benchmarks") }}
    ),

    -- A figure stands beside the period of ours that is as long; one whose length makes no
    -- difference beside the quarter and the year.
    beside as (
        select *, period_grain as length
        from own

        union all

        select *, 'any' as length
        from own
        where period_grain in ('quarter', 'year')
    ),

    of_others as (
        select
            figures.metric,
            figures.variant,
            beside.unit,
            beside.better,
            beside.period_grain,
            beside.period_start,
            beside.own_value,
            beside.own_n,
            beside.own_low,
            beside.own_high,
            beside.is_enough_data,
            beside.matures,
            figures.value as benchmark_value,
            figures.unit as benchmark_unit,
            cast(null as date) as benchmark_start,
            figures.statistic,
            figures.publisher,
            figures.year,
            figures.segment,
            figures.sample_size,
            figures.definition,
            figures.source,
            figures.url,
            figures.evidence,
            case
                when figures.variant is null
                then 'another definition: ' || figures.definition
                when beside.metric is null
                then 'no metric of ours'
                when beside.unit like 'money%' and figures.unit <> '{{ var("currency") }}'
                then 'in ' || figures.unit || ', ours is in {{ var("currency") }}'
            end as why_not
        from figures
        left join
            beside
            on figures.metric = beside.metric
            and figures.variant = beside.variant
            and coalesce(figures.period_grain, 'any') = beside.length
    ),

    of_own_past as (
        select
            own.metric,
            own.variant,
            own.unit,
            own.better,
            own.period_grain,
            own.period_start,
            own.own_value,
            own.own_n,
            own.own_low,
            own.own_high,
            own.is_enough_data,
            own.matures,
            past.value as benchmark_value,
            own.unit as benchmark_unit,
            past.benchmark_start,
            past.statistic,
            'own history' as publisher,
            {{ fiscal_year("past.benchmark_start") }} as year,
            null as segment,
            past.n as sample_size,
            null as definition,
            null as source,
            null as url,
            null as evidence,
            case
                when past.value is null
                then 'no value of then'
                when past.benchmark_start < begun.first_month
                then 'our records begin within it'
                when not past.is_enough_data
                then '{{ few }} then'
            end as why_not
        from {{ ref("int_benchmarks__own_history") }} as past
        inner join
            own
            on past.metric = own.metric
            and past.variant = own.variant
            and past.period_grain = own.period_grain
        left join begun on past.metric = begun.metric and past.variant = begun.variant
    ),

    compared as (
        select *
        from of_others

        union all

        select *
        from of_own_past
    ),

    judged as (
        select
            *,
            coalesce(
                why_not,
                case
                    when own_value is null
                    then 'no value of ours'
                    when matures
                    then 'ours is not settled: its records go on to change it'
                    when not is_enough_data
                    then '{{ few }} of ours'
                end
            ) as why
        from compared
    ),

    final as (
        select
            metric,
            variant,
            unit,
            cast(period_grain as {{ dbt.type_string() }}) as period_grain,
            period_start,
            own_value,
            cast(own_n as bigint) as own_n,
            cast(own_low as {{ double_type() }}) as own_low,
            cast(own_high as {{ double_type() }}) as own_high,
            cast(benchmark_value as {{ double_type() }}) as benchmark_value,
            benchmark_unit,
            cast(statistic as {{ dbt.type_string() }}) as statistic,
            cast(publisher as {{ dbt.type_string() }}) as publisher,
            year,
            benchmark_start,
            segment,
            cast(sample_size as bigint) as sample_size,
            why is null as is_comparable,
            why,
            case
                when why is not null or benchmark_value between own_low and own_high
                then null
                when better = 'up'
                then own_value >= benchmark_value
                else own_value <= benchmark_value
            end as is_as_good,
            definition,
            source,
            url,
            evidence
        from judged
    )

select *
from final
