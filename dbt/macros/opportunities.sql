{#- Whether a field of a deal has had its last change by an instant: the record's own value holds. -#}
{% macro is_settled(field) -%}
    (deals.last_{{ field }}_at is null or filled.valid_from >= deals.last_{{ field }}_at)
{%- endmacro %}
