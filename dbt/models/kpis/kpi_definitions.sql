-- What the metrics mean, read from where they are defined: the models' own descriptions and meta.
{% for metric in kpi_metrics() -%}
-- depends_on: {{ ref('kpi_' ~ metric) }}
{% endfor %}
{%- set rows = [] -%}
{%- if execute -%}
    {%- for metric in kpi_metrics() -%}
        {%- set node = graph.nodes["model.salesops.kpi_" ~ metric] -%}
        {%- set members = graph.nodes.get("model.salesops.int_" ~ metric ~ "__members", {}) -%}
        {%- for variant, formula in node.config.meta.variants.items() -%}
            {%- do rows.append(
                {
                    "metric": metric,
                    "variant": variant,
                    "definition": node.description,
                    "formula": formula,
                    "better": node.config.meta.better,
                    "owner": node.config.meta.owner,
                    "definition_hash": local_md5(
                        node.description
                        ~ formula
                        ~ node.raw_code
                        ~ members.get("raw_code", "")
                    ),
                }
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif -%}
{%- for row in rows %}
    select
        {%- for name, value in row.items() %}
            cast(
                {{ dbt.string_literal(dbt.escape_single_quotes(value | trim)) }}
                as {{ dbt.type_string() }}
            ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
        {{ 'union all' if not loop.last }}
{%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as metric,
        cast(null as {{ dbt.type_string() }}) as variant,
        cast(null as {{ dbt.type_string() }}) as definition,
        cast(null as {{ dbt.type_string() }}) as formula,
        cast(null as {{ dbt.type_string() }}) as better,
        cast(null as {{ dbt.type_string() }}) as owner,
        cast(null as {{ dbt.type_string() }}) as definition_hash
    where false
{%- endfor %}
