{%- set entities = ["opportunities", "leads", "accounts", "contacts", "activities"] -%}
-- The records that began, were updated, or of which a change is told, after the company's
-- own as_of: its data goes on. Those that began after the run's moment, too, are in no other model.
with
    told as (
        select distinct entity, source_instance, entity_id
        from {{ ref("int_field_changes__unioned") }}
        where changed_at > {{ company_as_of() }} and not is_deleted and {{ has_as_of() }}
    )

{%- for entity in entities %}
        {%- set spec = contract()[entity] %}

    select
        cast('{{ entity }}' as {{ dbt.type_string() }}) as entity,
        records.{{ spec.key }} as entity_key,
        records.source_instance,
        records.source_id,
        {% if spec.columns | selectattr("name", "eq", "owner_id") | list -%} records.owner_id
        {%- else -%} cast(null as {{ dbt.type_string() }})
        {%- endif %} as owner_id
    from ({{ staged_records(entity) }}) as records
    left join
        told
        on told.entity = '{{ entity }}'
        and records.source_instance = told.source_instance
        and records.source_id = told.entity_id
    where
        {{ has_as_of() }} and (told.entity_id is not null or {{ is_after_as_of(entity) }})
        {{ 'union all' if not loop.last }}
{%- endfor %}
