{{ increment("clocked", of=kpi_metrics(), wholly="metric") }}
-- The records of every metric: what each adds to which numbers, and why it is left out where it is.
-- One counts in the cuts whose key it has, in the periods of its day.
{%- set text = dbt.type_string() %}
{%- set cuts = kpi_cuts() %}
{%- for metric in kpi_metrics() %}
    {%- set meta = kpi_meta(metric) %}
    {%- set said = (meta.says or []) + meta.cuts %}
    select
        cast('{{ metric }}' as {{ text }}) as metric,
        cast(variant as {{ text }}) as variant,
        cast(entity as {{ text }}) as entity,
        cast(entity_key as {{ text }}) as entity_key,
        cast(entity_id as {{ text }}) as entity_id,
        cast(
            {{ "opportunity_key" if increment_of(metric) else "null" }} as {{ text }}
        ) as opportunity_key,
        cast(period_on as date) as period_on,
        {%- for name in ["counts_in", "side"] + cuts %}
            cast(
                {{ name if name in said else "'all'" if name == "company" else "null" }}
                as {{ text }}
            ) as {{ name }},
        {%- endfor %}
        cast(numerator as {{ numeric_type() }}) as numerator,
        cast(denominator as {{ numeric_type() }}) as denominator,
        cast(exclusion_reason as {{ text }}) as exclusion_reason
    from {{ ref(metric) }} {{ 'union all' if not loop.last }}
{%- endfor %}
