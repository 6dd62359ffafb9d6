{#-
    Tables and views of DuckDB, replaced in one transaction. dbt-duckdb builds them aside and renames
    them, which takes twice the statements; nobody reads the warehouse while it is built.
-#}
{% materialization table, adapter = "duckdb" %}
    {{ return(replace_relation("table")) }}
{% endmaterialization %}

{% materialization view, adapter = "duckdb" %}
    {{ return(replace_relation("view")) }}
{% endmaterialization %}

{% macro replace_relation(type) %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type=type) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main") -%}
        {%- if existing is not none %} drop {{ existing.type }} {{ existing }} cascade ;
        {% endif -%}
        {%- if type == "table" -%} {{ get_create_table_as_sql(False, target, sql) }}
        {%- else -%} {{ get_create_view_as_sql(target, sql) }}
        {%- endif -%}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [target]}) }}
{% endmacro %}
