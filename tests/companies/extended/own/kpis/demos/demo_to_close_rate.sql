-- Deals by the day on which the product was shown to them.
{%- for variant, condition in [("default", "true"), ("decided", "status <> 'open'")] %}
    select
        '{{ variant }}' as variant,
        {{ deal_member() }},
        {{ local_day("demo_at") }} as period_on,
        case when status = 'won' then 1 else 0 end as numerator,
        1 as denominator,
        removal as exclusion_reason
    from {{ ref("int_kpi_deals") }}
    where demo_at is not null and {{ condition }} {{ 'union all' if not loop.last }}
{%- endfor %}
