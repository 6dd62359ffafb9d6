{#- A moment to order by and compare: what began nobody knows when began first. -#}
{% macro unknown_as_first(moment) -%}
    coalesce({{ moment }}, cast('0001-01-01' as timestamp))
{%- endmacro %}
