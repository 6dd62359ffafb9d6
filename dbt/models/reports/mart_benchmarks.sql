{%- set few = "fewer than ten records" -%}
-- The company's numbers of the latest period that has ended, beside what others have published of
-- the same definition, and beside its own past. What cannot be compared says why.
with
    variants as (select * from {{ ref("kpi_variants") }}),

    definitions as (select metric, variant, better from {{ ref("kpi_definitions") }}),

    ended as (
        select
            kpis.metric,
            kpis.variant,
            kpis.period_grain,
            kpis.period_start,
            kpis.value,
            kpis.n_included
        from {{ ref("kpi_values") }} as kpis
        where
            kpis.dimension = 'company'
            and kpis.period_grain in ('month', 'quarter', 'year')
            and {{ period_has_ended("kpis", ended_by_day()) }}
    ),

    latest as (
        {%- for grain in ["month", "quarter", "year"] %}
            select
                variants.metric,
                variants.variant,
                variants.unit,
                variants.kind,
                definitions.better,
                '{{ grain }}' as period_grain,
                {{
                    fiscal_period_start(
                        dbt.dateadd(
                            "month", -1, fiscal_period_start(month_start(ended_by_day()), grain)
                        ),
                        grain,
                    )
                }} as period_start
            from variants
            inner join
                definitions
                on variants.metric = definitions.metric
                and variants.variant = definitions.variant {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    own as (
        select
            latest.*,
            ended.value as own_value,
            coalesce(ended.n_included, 0) as own_n,
            latest.kind = 'sum'
            or {{ is_enough("coalesce(ended.n_included, 0)") }} as is_enough_data
        from latest
        left join
            ended
            on latest.metric = ended.metric
            and latest.variant = ended.variant
            and latest.period_grain = ended.period_grain
            and latest.period_start = ended.period_start
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

    -- A figure beside the periods of ours that are as long; one whose length makes no difference
    -- beside the quarter and the year.
    of_others as (
        select
            figures.metric,
            figures.variant,
            own.unit,
            own.kind,
            own.better,
            own.period_grain,
            own.period_start,
            own.own_value,
            own.own_n,
            own.is_enough_data,
            figures.value as benchmark_value,
            cast(null as date) as benchmark_start,
            figures.unit as benchmark_unit,
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
                when own.metric is null
                then 'we do not have this metric'
                when own.unit like 'money%' and figures.unit <> '{{ var("currency") }}'
                then 'in ' || figures.unit || ', ours is in {{ var("currency") }}'
            end as why_not
        from figures
        left join
            own
            on figures.metric = own.metric
            and figures.variant = own.variant
            and (
                figures.period_grain = own.period_grain
                or (figures.period_grain is null and own.period_grain in ('quarter', 'year'))
            )
    ),

    -- Metrics that the company has.
    own_past as (
        select own.*
        from own
        inner join
            (select distinct metric, variant from ended) as had
            on own.metric = had.metric
            and own.variant = had.variant
        where own.period_grain in ('quarter', 'year')
    ),

    before as (
        select
            own_past.metric,
            own_past.variant,
            own_past.period_grain,
            ended.period_start,
            ended.value,
            ended.n_included,
            own_past.better,
            own_past.kind = 'sum' or {{ is_enough("ended.n_included") }} as is_enough_data,
            ended.period_start = cast(
                {{ dbt.dateadd("month", -12, "own_past.period_start") }} as date
            ) as is_year_before,
            ended.period_start >= cast(
                {{ dbt.dateadd("month", -12, "own_past.period_start") }} as date
            ) as is_within_a_year
        from own_past
        inner join
            ended
            on own_past.metric = ended.metric
            and own_past.variant = ended.variant
            and own_past.period_grain = ended.period_grain
            and own_past.period_start > ended.period_start
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by metric, variant, period_grain
                order by
                    case when better = 'up' then - value else value end asc nulls last,
                    period_start desc
            ) as place
        from before
        where is_enough_data
    ),

    past as (
        select
            metric,
            variant,
            period_grain,
            case
                period_grain when 'quarter' then 'same quarter last year' else 'year before'
            end as statistic,
            period_start,
            value,
            n_included as n,
            is_enough_data
        from before
        where is_year_before

        union all

        select
            metric,
            variant,
            period_grain,
            'best ' || period_grain as statistic,
            period_start,
            value,
            n_included as n,
            true as is_enough_data
        from ranked
        where place = 1

        union all

        select
            metric,
            variant,
            period_grain,
            'mean of the four quarters before' as statistic,
            min(period_start) as period_start,
            case when count(value) = 4 then avg(value) end as value,
            sum(n_included) as n,
            min(case when is_enough_data then 1 else 0 end) = 1 as is_enough_data
        from before
        where is_within_a_year and period_grain = 'quarter'
        group by metric, variant, period_grain
    ),

    asked as (
        {%- for grain, statistics in {
            "quarter": [
                "same quarter last year",
                "best quarter",
                "mean of the four quarters before",
            ],
            "year": ["year before", "best year"],
        }.items() %}
            {%- set outer = loop.last %}
            {%- for statistic in statistics %}
                select own_past.*, '{{ statistic }}' as statistic
                from own_past
                where
                    own_past.period_grain = '{{ grain }}'
                    {{ 'union all' if not (outer and loop.last) }}
            {%- endfor %}
        {%- endfor %}
    ),

    of_own_past as (
        select
            asked.metric,
            asked.variant,
            asked.unit,
            asked.kind,
            asked.better,
            asked.period_grain,
            asked.period_start,
            asked.own_value,
            asked.own_n,
            asked.is_enough_data,
            past.value as benchmark_value,
            past.period_start as benchmark_start,
            asked.unit as benchmark_unit,
            asked.statistic,
            'own history' as publisher,
            {{ fiscal_year("past.period_start") }} as year,
            cast(null as {{ dbt.type_string() }}) as segment,
            past.n as sample_size,
            cast(null as {{ dbt.type_string() }}) as definition,
            cast(null as {{ dbt.type_string() }}) as source,
            cast(null as {{ dbt.type_string() }}) as url,
            cast(null as {{ dbt.type_string() }}) as evidence,
            case
                when past.value is null
                then 'no value of then'
                when not past.is_enough_data
                then '{{ few }} then'
            end as why_not
        from asked
        left join
            past
            on asked.metric = past.metric
            and asked.variant = past.variant
            and asked.period_grain = past.period_grain
            and asked.statistic = past.statistic
    ),

    judged as (
        select
            *,
            case
                when why_not is not null
                then why_not
                when own_value is null
                then 'no value of ours'
                when not is_enough_data
                then '{{ few }} of ours'
            end as why
        from
            (
                select *
                from of_others

                union all

                select *
                from of_own_past
            ) as compared
    ),

    final as (
        select
            metric,
            variant,
            unit,
            cast(period_grain as {{ dbt.type_string() }}) as period_grain,
            period_start,
            cast(own_value as {{ double_type() }}) as own_value,
            cast(own_n as bigint) as own_n,
            cast(benchmark_value as {{ double_type() }}) as benchmark_value,
            benchmark_unit,
            statistic,
            publisher,
            year,
            benchmark_start,
            segment,
            cast(sample_size as bigint) as sample_size,
            why is null as is_comparable,
            why,
            case
                when why is not null
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
