{{ config(meta={"dagster": {"ref": {"name": "mart_campaign_performance"}}}) }}
-- What campaigns spent and brought, and what none brought, is what the metrics have of all.
{%- set wholes = {
    "spend": ("marketing_spend", "ads", "numerator"),
    "leads": ("lead_conversion_rate", "default", "denominator"),
    "leads_won": ("lead_conversion_rate", "default", "numerator"),
    "pipeline_sourced": ("pipeline_sourced", "default", "numerator"),
} %}
with
    parts as (
        {%- for measure, (metric, variant, side) in wholes.items() %}
            select '{{ measure }}' as measure, cast({{ measure }} as {{ numeric_type() }}) as amount
            from {{ ref("mart_campaign_performance") }}

            union all

            select '{{ measure }}' as measure, - {{ side }} as amount
            from {{ ref("kpi_values") }}
            where
                metric = '{{ metric }}'
                and variant = '{{ variant }}'
                and period_grain = 'all'
                and dimension = 'company' {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select measure, sum(amount) as difference
from parts
group by measure
having sum(amount) <> 0
