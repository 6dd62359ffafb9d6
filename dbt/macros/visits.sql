{#- A moment to order by and compare: what began nobody knows when began first. -#}
{% macro unknown_as_first(moment) -%}
    coalesce({{ moment }}, cast('0001-01-01' as timestamp))
{%- endmacro %}

{#- Days of 24 hours from one moment to another, as a double. -#}
{% macro elapsed_days(first, last) -%}
    {{ microseconds_between(first, last) }} / cast(86400000000 as {{ double_type() }})
{%- endmacro %}
