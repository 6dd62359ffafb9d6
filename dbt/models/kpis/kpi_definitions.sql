{%- set text = dbt.type_string() -%}
-- What the metrics mean, as the YAML beside each says. The hashes are of what is built, so they are
-- known when all is: `put_definition_hashes` puts them in.
{% for metric in kpi_metrics() -%}
-- depends_on: {{ ref(metric) }}
{% endfor %}
{%- for variant in kpi_variants() %}
    {%- set node = graph.nodes["model.salesops." ~ variant.metric] %}
    select
        {%- for name, value in [
            ("metric", variant.metric),
            ("variant", variant.variant),
            ("definition", node.description | trim),
            ("formula", variant.formula),
            ("better", variant.better),
            ("owner", variant.owner),
        ] %}
            cast(
                {{ dbt.string_literal(dbt.escape_single_quotes(value)) }} as {{ text }}
            ) as {{ name }},
        {%- endfor %}
        cast(null as {{ text }}) as definition_hash
        {{ 'union all' if not loop.last }}
{%- endfor %}
