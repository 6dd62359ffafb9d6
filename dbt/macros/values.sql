{#- The key of a cut whose value is missing. -#}
{% macro or_none(expression) -%} coalesce(nullif({{ expression }}, ''), '(none)') {%- endmacro %}

{#- A ratio as a double; NULL, never 0, when there is nothing to divide by. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ double_type() }})
    / nullif(cast({{ denominator }} as {{ double_type() }}), 0)
{%- endmacro %}

{#- Whether a text says true. -#}
{% macro is_true(text) -%}(lower({{ text }}) in ('true', 't', '1')) {%- endmacro %}
