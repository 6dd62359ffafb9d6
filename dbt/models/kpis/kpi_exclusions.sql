-- What each metric leaves out, and why: included + excluded = population.
{%- set on_quotas = ["quota_attainment", "reps_at_quota"] %}
{% for metric in kpi_metrics() if metric not in on_quotas %}
    select distinct
        cast('{{ metric }}' as {{ dbt.type_string() }}) as metric,
        cast(variant as {{ dbt.type_string() }}) as variant,
        cast(entity as {{ dbt.type_string() }}) as entity,
        cast(entity_key as {{ dbt.type_string() }}) as entity_key,
        cast(entity_id as {{ dbt.type_string() }}) as entity_id,
        cast(exclusion_reason as {{ dbt.type_string() }}) as reason
    from {{ ref("int_" ~ metric ~ "__members") }}
    where exclusion_reason is not null

    union all
{% endfor %}
{%- for metric in on_quotas %}
    select distinct
        '{{ metric }}' as metric,
        case periods.measure when 'revenue' then 'default' else periods.measure end as variant,
        'user' as entity,
        reps.user_key as entity_key,
        reps.rep_id as entity_id,
        periods.exclusion_reason as reason
    from {{ ref("int_quota_attainment__periods") }} as periods
    inner join {{ ref("dim_rep") }} as reps on periods.target_key = reps.rep_id
    where
        periods.exclusion_reason is not null and periods.period_grain = 'all'
        {{ "and periods.measure = 'revenue'" if metric == 'reps_at_quota' }}

        {{ 'union all' if not loop.last }}
{%- endfor %}
