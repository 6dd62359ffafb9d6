{%- set text = dbt.type_string() -%}
-- The metrics that say something of single reps, and how far a value of a month may be compared.
{%- for variant in kpi_variants() if "rep" in variant.cuts %}
    select
        cast('{{ variant.metric }}' as {{ text }}) as metric,
        cast('{{ variant.variant }}' as {{ text }}) as variant,
        cast('{{ variant.unit }}' as {{ text }}) as unit,
        cast('{{ variant.better }}' as {{ text }}) as better,
        {{ variant.kind == "sum" }} as is_sum,
        {{ variant.kind != "sum" and variant.sample != "none" }} as needs_sample,
        {{ variant.grows or (variant.kind == "sum" and not variant.state) or false }} as grows,
        {{ variant.matures or false }} as matures
        {{ 'union all' if not loop.last }}
{%- endfor %}
