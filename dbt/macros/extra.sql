{#-
    The columns that a company adds to an entity: `extra` in company.yml, docs/extend.md. A company
    that adds none has none in `contract`, and of what is below nothing is left in its SQL.
-#}
{% macro extra_columns(entity) -%}
    {{ return(contract()[entity].columns | selectattr("is_extra", "defined") | list) }}
{%- endmacro %}

{#- The names of those that metrics are cut by. -#}
{% macro extra_cuts(entity) -%}
    {{ return(extra_columns(entity) | selectattr("is_cut") | map(attribute="name") | list) }}
{%- endmacro %}

{#- Within a select list: all of them, of the table that has them; of cuts their keys, if `keyed`. -#}
{% macro extra_of(entity, table, keyed=false) -%}
    {%- for column in extra_columns(entity) if not (keyed and column.is_cut) %}
        {{ table }}.{{ column.name }},
    {%- endfor %}
    {%- if keyed %} {{ extra_cuts_of(entity, table) }} {%- endif %}
{%- endmacro %}

{#- Within a select list: all of them, where no record has them. -#}
{% macro no_extra_of(entity) -%}
    {%- for column in extra_columns(entity) %}
        cast(null as {{ column.type }}) as {{ column.name }},
    {%- endfor %}
{%- endmacro %}

{#- Within a select list: the keys of the cuts, of the table that has the columns. -#}
{% macro extra_cuts_of(entity, table) -%}
    {%- for cut in extra_cuts(entity) %}
        {{ or_none(table ~ "." ~ cut) }} as {{ cut }},
    {%- endfor %}
{%- endmacro %}
