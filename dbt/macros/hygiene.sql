{#-
    Per source, which columns of an entity it gives: those that company.yml maps, and those that are
    not empty in all of its records. What a source does not give is nobody's omission.
-#}
{% macro given_columns(entity, columns) -%}
    select
        source_instance,
        {%- for column in columns %}
            {%- set sources = var("provided").get(entity, {}).get(column, []) %}
            count({{ column }}) > 0
            {%- for source in sources %}
                or source_instance = '{{ source }}'
            {%- endfor %} as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_" ~ entity ~ "__unioned") }}
    group by source_instance
{%- endmacro %}
