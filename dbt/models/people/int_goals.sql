{%- set names = ["goal", "metric", "variant", "dimension", "dimension_key", "period_grain"] -%}
{%- set text = dbt.type_string() -%}
-- The goals of company.yml, one row each, with what their metric is.
with
    goals as (
        {%- for goal in var("goals") %}
            select
                {%- for name in names %}
                    cast(
                        {{ dbt.string_literal(dbt.escape_single_quotes(goal[name])) }} as {{ text }}
                    ) as {{ name }},
                {%- endfor %}
                cast({{ goal.target }} as {{ double_type() }}) as target,
                {%- for name in ["first_day", "last_day"] %}
                    cast(
                        {{ "'" ~ goal[name] ~ "'" if goal[name] else "null" }} as date
                    ) as {{ name }}
                    {{- ',' if not loop.last }}
                {%- endfor %}
                {{ 'union all' if not loop.last }}
        {%- else %}
            select
                {%- for name in names %} cast(null as {{ text }}) as {{ name }},
                {%- endfor %}
                cast(null as {{ double_type() }}) as target,
                cast(null as date) as first_day,
                cast(null as date) as last_day
            where false
        {%- endfor %}
    ),

    variants as (select * from {{ ref("kpi_variants") }}),

    definitions as (select metric, variant, better from {{ ref("kpi_definitions") }}),

    final as (
        select
            goals.*,
            variants.unit,
            variants.kind,
            definitions.better,
            variants.kind = 'sum' and variants.state is null as is_additive,
            variants.state is not null as is_state,
            variants.kind <> 'sum'
            and not ({{ kpi_says("variants", "sample", "none") }}) as needs_sample
        from goals
        inner join variants on goals.metric = variants.metric and goals.variant = variants.variant
        inner join
            definitions on goals.metric = definitions.metric and goals.variant = definitions.variant
    )

select *
from final
