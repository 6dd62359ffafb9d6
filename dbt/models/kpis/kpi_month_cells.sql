{%- set cell = kpi_cell_key("month_start") -%}
{{
    increment(
        "cells",
        of={"kpi_members": [kpi_cell_key(month_start("period_on")), cell]},
        key=cell,
        compared={"int_pipeline_months": "select month_start from {rows}"},
    )
}}
{%- set cuts = kpi_cuts() -%}
-- What the members add up to, and how many they are, by month and cut: what all numbers but medians
-- are made of. Of metrics that have weeks, by week of the month, too.
with
    variants as (select * from {{ ref("kpi_variants") }}),

    members as (
        select
            members.*,
            {{ month_start("members.period_on") }} as month_start,
            case
                when variants.has_weeks then {{ kpi_period_start("members.period_on", "week") }}
            end as week_start,
            members.exclusion_reason is null as is_included,
            members.side is null as is_record
        from {{ ref("kpi_members") }} as members
        inner join
            variants on members.metric = variants.metric and members.variant = variants.variant
        where variants.kind <> 'median'
    ),

    cells as (
        select
            metric,
            variant,
            month_start,
            week_start,
            counts_in,
            case
                {%- for cut in cuts %} when grouping({{ cut }}) = 0 then '{{ cut }}' {%- endfor %}
            end as dimension,
            coalesce({{ cuts | join(", ") }}) as dimension_key,
            sum(case when is_included then numerator end) as numerator,
            sum(case when is_included then denominator end) as denominator,
            count(case when is_record and is_included then 1 end) as n_included,
            count(case when is_record and not is_included then 1 end) as n_excluded,
            count(
                case when is_record and exclusion_reason in {{ unknown_reasons() }} then 1 end
            ) as n_unknown
        from members
        group by
            grouping sets (
                {%- for cut in cuts %}
                    (metric, variant, month_start, week_start, counts_in, {{ cut }})
                    {{- ',' if not loop.last }}
                {%- endfor %}
            )
    ),

    -- A state of deals has every month, also one in which there was nothing.
    empty_months as (
        select
            variants.metric,
            variants.variant,
            months.month_start,
            cast(null as date) as week_start,
            cast(null as {{ dbt.type_string() }}) as counts_in,
            'company' as dimension,
            'all' as dimension_key,
            0 as numerator,
            0 as denominator,
            0 as n_included,
            0 as n_excluded,
            0 as n_unknown
        from variants
        cross join {{ ref("int_pipeline_months") }} as months
        where
            variants.state = 'end'
            and not variants.has_own_months
            and (
                not variants.is_optional
                or exists (
                    select 1
                    from {{ ref("kpi_members") }} as members
                    where members.metric = variants.metric and members.variant = variants.variant
                )
            )
    )

select *
from cells
where dimension_key is not null

union all

select *
from empty_months
