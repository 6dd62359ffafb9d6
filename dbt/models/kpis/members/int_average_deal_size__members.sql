with won as (select * from {{ ref("int_revenue_won__members") }})

{%- for variant in ["default", "median"] %}

    select
        '{{ variant }}' as variant,
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
