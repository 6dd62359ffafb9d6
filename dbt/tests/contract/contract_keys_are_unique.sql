{{ config(meta={"dagster": {"ref": {"name": "int_opportunities__unioned"}}}) }}
-- Every record of every entity is there once, whatever source it comes from.
{% for entity, spec in contract().items() %}
    select '{{ entity }}' as entity, {{ spec.key }} as record_key, count(*) as times
    from {{ ref("int_" ~ entity ~ "__unioned") }}
    group by {{ spec.key }}
    having count(*) > 1 {{ 'union all' if not loop.last }}
{%- endfor %}
