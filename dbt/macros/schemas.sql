{#-
    Schemas are named in dbt_project.yml as they are, with no prefix of the target. What is public is
    published: it is in `marts`, whichever room makes it.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if node.config.access == "public" -%} marts
    {%- else -%} {{ custom_schema_name | trim if custom_schema_name else target.schema }}
    {%- endif -%}
{%- endmacro %}
