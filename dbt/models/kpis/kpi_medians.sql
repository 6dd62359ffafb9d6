{{
    increment(
        "variants",
        of=["kpi_members"],
        key="(metric, variant)",
        materialized="view",
    )
}}
{%- set grains = ["week", "month", "quarter", "year", "all"] -%}
{%- set cuts = kpi_cuts() -%}
-- The medians of the members by period and cut: unlike sums, they do not add up to longer periods.
with
    -- Members are grouped often, and by a number faster than by two names.
    variants as (
        select *, row_number() over (order by metric, variant) as variant_number
        from {{ ref("kpi_variants") }}
        where kind = 'median'
    ),

    members as (
        select
            variants.variant_number,
            {%- for grain in grains if grain != "all" %}
                {{ "case when variants.has_weeks then " if grain == "week" }}
                {{- kpi_period_start("members.period_on", grain) }}
                {{- " end" if grain == "week" }} as {{ grain }}_start,
            {%- endfor %}
            {%- for cut in cuts %} members.{{ cut }}, {%- endfor %}
            case
                when members.exclusion_reason is null
                then cast(members.numerator as {{ double_type() }})
            end as measure,
            members.exclusion_reason
        from {{ ref("kpi_members") }} as members
        inner join
            variants on members.metric = variants.metric and members.variant = variants.variant
    ),

    medians as (
        {%- for grain in grains %}
            {%- set start = grain ~ "_start" %}
            select
                variant_number,
                '{{ grain }}' as period_grain,
                {{ start if grain != "all" else "cast(null as date)" }} as period_start,
                case
                    {%- for cut in cuts %}
                        when grouping({{ cut }}) = 0 then '{{ cut }}'
                    {%- endfor %}
                end as dimension,
                coalesce({{ cuts | join(", ") }}) as dimension_key,
                {{ median("measure") }} as value,
                count(case when exclusion_reason is null then 1 end) as n_included,
                count(exclusion_reason) as n_excluded
            from members {{ "where " ~ start ~ " is not null" if grain != "all" }}
            group by
                grouping sets (
                    {%- for cut in cuts %}
                        (variant_number, {{ start ~ ", " if grain != "all" }}{{ cut }})
                        {{- ',' if not loop.last }}
                    {%- endfor %}
                )
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select
    variants.metric,
    variants.variant,
    medians.period_grain,
    medians.period_start,
    medians.dimension,
    medians.dimension_key,
    medians.value,
    medians.n_included,
    medians.n_excluded
from medians
inner join variants on medians.variant_number = variants.variant_number
where medians.dimension_key is not null
