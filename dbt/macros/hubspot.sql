{#- The latest known version of each record of a table of `raw_hubspot`. -#}
{% macro hubspot_records(table) -%}
    select *
    from
        (
            select
                records.*,
                cast(loads.inserted_at at time zone 'UTC' as timestamp) as loaded_at,
                row_number() over (
                    partition by records.source_instance, records.source_id
                    order by loads.inserted_at desc, loads.load_id desc
                ) as recency
            from {{ source("raw_hubspot", table) }} as records
            inner join
                {{ source("raw_hubspot", "_dlt_loads") }} as loads
                on records._dlt_load_id = loads.load_id
                and loads.status = 0
            where cast(loads.inserted_at at time zone 'UTC' as timestamp) <= {{ known_at() }}
        ) as versions
    where recency = 1
{%- endmacro %}

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
        then 'best_case'
        when 'COMMIT'
        then 'commit'
        when 'CLOSED'
        then 'closed'
    end
{%- endmacro %}
