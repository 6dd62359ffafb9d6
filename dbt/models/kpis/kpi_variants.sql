{%- set text = dbt.type_string() -%}
-- What the YAML of each metric says of its variants, as far as the numbers depend on it. How a
-- product follows from its factors is there for those who retrace it: kpi_values has it from the
-- YAML.
{%- for variant in kpi_variants() %}
    select
        cast('{{ variant.metric }}' as {{ text }}) as metric,
        cast('{{ variant.variant }}' as {{ text }}) as variant,
        cast('{{ variant.unit }}' as {{ text }}) as unit,
        cast('{{ variant.kind }}' as {{ text }}) as kind,
        cast({{ "'" ~ variant.state ~ "'" if variant.state else "null" }} as {{ text }}) as state,
        {{ variant.weeks or false }} as has_weeks,
        {{ variant.optional or false }} as is_optional,
        {{ variant.months == "own" }} as has_own_months,
        {{ variant.excluded_by_period or false }} as is_excluded_by_period,
        cast(
            {{ "null" if variant.least_denominator is undefined else variant.least_denominator }}
            as {{ numeric_type() }}
        ) as least_denominator
        {%- for name, said in [
            ("factors", variant.of | join(" ") if variant.of else none),
            ("numerator_formula", variant.numerator),
            ("denominator_formula", variant.denominator),
        ] %}
            , cast({{ dbt.string_literal(said) if said else "null" }} as {{ text }}) as {{ name }}
        {%- endfor %}
        {{ 'union all' if not loop.last }}
{%- endfor %}
