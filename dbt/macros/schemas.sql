{#-
    Schemas are named in dbt_project.yml as they are, with no prefix of the target. What is public is
    published: it is in `marts`, whichever room makes it. What is about single people is in `people`, and
    published in a file of its own.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if is_published(node) -%} {{ "people" if is_of_people(node) else "marts" }}
    {%- else -%} {{ custom_schema_name | trim if custom_schema_name else target.schema }}
    {%- endif -%}
{%- endmacro %}

{#-
    On DuckDB what is published is built in a file of its own, which a publication is a copy of: what is
    not for all must never have been in it.
-#}
{% macro generate_database_name(custom_database_name, node) -%}
    {%- if is_published(node) and not is_of_people(node) and target.type == "duckdb" -%} salesops
    {%- else -%} {{ target.database }}
    {%- endif -%}
{%- endmacro %}

{% macro is_published(node) -%}
    {{ return(node.resource_type == "seed" or node.config.access == "public") }}
{%- endmacro %}

{% macro is_of_people(node) -%}
    {{ return(node.config.meta.get("audience") == "people") }}
{%- endmacro %}

{#- Earlier versions built what is published in the warehouse itself. -#}
{% macro drop_former_marts() -%}
    {%- set former = '"' ~ target.database ~ '".marts' -%}
    {{ return("drop schema if exists " ~ former ~ " cascade" if target.type == "duckdb" else "") }}
{%- endmacro %}
