{#- The columns that every canonical record begins with; `records` is the table that they are of. -#}
{% macro hubspot_record_columns(entity, records, source_id=none, is_deleted=none) -%}
    {%- set id = source_id or records ~ ".source_id" -%}
    {{ record_key("'hubspot'", records ~ ".source_instance", id) }} as {{ contract()[entity].key }},
    'hubspot' as source_system,
    {{ records }}.source_instance,
    {{ id }} as source_id,
    {{ records }}.source_row,
    {{ records }}.source_updated_at,
    {{ is_deleted or records ~ ".is_deleted" }} as is_deleted,
    {{ records }}.loaded_at
{%- endmacro %}

{#- HubSpot's forecast categories in the contract's words. -#}
{% macro hubspot_forecast_category(value) -%}
    case
        upper({{ value }})
        when 'OMIT'
        then 'omitted'
        when 'PIPELINE'
        then 'pipeline'
        when 'BEST_CASE'
        then 'best_case'
        when 'MOST_LIKELY'
        then 'most_likely'
        when 'COMMIT'
        then 'commit'
        when 'CLOSED'
        then 'closed'
    end
{%- endmacro %}
