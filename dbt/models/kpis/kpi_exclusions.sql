-- What each metric leaves out, and why: included + excluded = population.
{%- set on_quotas = {
    "quota_attainment": "dimension = 'company' and exclusion_reason in ('no_quota', 'no_rate')",
    "reps_at_quota": "dimension = 'rep' and measure = 'revenue'"
    ~ " and (exclusion_reason is not null or not coalesce(quota > 0, false))",
} %}
{% for metric in kpi_metrics() if metric not in on_quotas %}
    select distinct
        cast('{{ metric }}' as {{ dbt.type_string() }}) as metric,
        cast(variant as {{ dbt.type_string() }}) as variant,
        cast(entity as {{ dbt.type_string() }}) as entity,
        cast(entity_key as {{ dbt.type_string() }}) as entity_key,
        cast(entity_id as {{ dbt.type_string() }}) as entity_id,
        cast(exclusion_reason as {{ dbt.type_string() }}) as reason,
        cast(null as {{ dbt.type_string() }}) as period_grain,
        cast(null as date) as period_start
    from {{ ref("int_" ~ metric ~ "__members") }}
    where exclusion_reason is not null

    union all
{% endfor %}
{%- for metric, condition in on_quotas.items() %}
    select
        '{{ metric }}' as metric,
        members.variant,
        'user' as entity,
        reps.user_key as entity_key,
        reps.rep_id as entity_id,
        case
            when members.exclusion_reason is null
            then 'zero_quota'
            when members.exclusion_reason = 'no_rate'
            then 'no_rate'
            else 'no_quota'
        end as reason,
        members.period_grain,
        members.period_start
    from {{ ref("int_quota_attainment__members") }} as members
    inner join {{ ref("dim_rep") }} as reps on members.rep = reps.rep_id
    where
        {{ condition }}
        and (members.period_start is null or members.period_start <= {{ current_month() }})

        {{ 'union all' if not loop.last }}
{%- endfor %}
