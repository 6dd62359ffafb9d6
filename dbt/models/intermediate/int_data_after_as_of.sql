{%- set entities = ["opportunities", "leads", "accounts", "contacts", "activities"] -%}
{#- Activities that may be put down before they happen. -#}
{%- set planned = ["task", "meeting", "demo"] -%}
-- The records that began, or were changed, after the company's own as_of: its data goes on. Those
-- that began after the run's moment, too, are in no other model.
{%- for entity in entities %}
    {%- set spec = contract()[entity] %}
    select
        cast('{{ entity }}' as {{ dbt.type_string() }}) as entity,
        {{ spec.key }} as entity_key,
        source_instance,
        source_id,
        {% if spec.columns | selectattr("name", "eq", "owner_id") | list -%} owner_id
        {%- else -%} cast(null as {{ dbt.type_string() }})
        {%- endif %} as owner_id
    from ({{ staged_records(entity) }}) as records
    where
        source_updated_at > {{ company_as_of() }}
        or (
            {{ spec.begins_at }} > {{ company_as_of() }} and not is_deleted
            {%- if entity == "activities" %}
                and type not in ('{{ planned | join("', '") }}')
            {%- endif %}
        )
        {{ 'union all' if not loop.last }}
{%- endfor %}
