{{ increment("clocked", of=["revenue_won"], materialized="view") }}
with won as (select * from {{ ref("revenue_won") }})

{%- for variant in ["default", "median"] %}

    select
        '{{ variant }}' as variant,
        opportunity_key,
        entity,
        entity_key,
        entity_id,
        {{ deal_cuts() | join(", ") }},
        period_on,
        numerator,
        1 as denominator,
        exclusion_reason
    from won {{ 'union all' if not loop.last }}
{%- endfor %}
