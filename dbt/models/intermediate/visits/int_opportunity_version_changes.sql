{#- Fields whose history the states and metrics of deals are built on. -#}
{%- set fields = [
    "stage",
    "amount",
    "currency",
    "close_date",
    "owner_id",
    "forecast_category",
    "merged_into_id",
] -%}
-- Field changes of opportunities that no source tells: what differs between the versions of a deal
-- that raw has kept. Only fields of which the source tells no change at all.
--
-- A version is of the moment at which the source says it changed the record, else of its load.
-- Where
-- even the first load came after the run's moment, exports describe an earlier time: a later one
-- corrects them, and its load tells no moment. A version that is not later than the one before it
-- is such a correction, too. A move into a closed stage is of the closing that the version names,
-- where that lies between the two versions.
{%- if "files" in var("source_types") %}
    with
        loads as (
            select
                load_id,
                cast(inserted_at at time zone 'UTC' as timestamp) as loaded_at,
                row_number() over (order by inserted_at, load_id) as load_number
            from {{ source("raw_files", "_dlt_loads") }}
            where
                status = 0 and cast(inserted_at at time zone 'UTC' as timestamp) <= {{ known_at() }}
        ),

        versions as (
            select
                records.source_instance,
                records.source_id,
                records.source_updated_at,
                records.closed_at,
                {%- for field in fields %} records.{{ field }}, {%- endfor %}
                loads.loaded_at,
                loads.load_number
            from {{ source("raw_files", "opportunities") }} as records
            inner join loads on records._dlt_load_id = loads.load_id
        ),

        first_loads as (
            select
                source_instance, min(loaded_at) as first_loaded_at, min(load_number) as load_number
            from versions
            group by source_instance
        ),

        loaded_later as (
            select distinct versions.source_instance, versions.source_id
            from versions
            inner join first_loads on versions.source_instance = first_loads.source_instance
            where versions.load_number > first_loads.load_number
        ),

        closed_stages as (
            select stage
            from {{ ref("int_pipeline_stages__unioned") }}
            group by stage
            having max(case when status = 'open' then 1 else 0 end) = 0
        ),

        told as (
            select distinct records.source_instance, records.field
            from {{ source("raw_files", "field_changes") }} as records
            inner join loads on records._dlt_load_id = loads.load_id
            where records.entity = 'opportunities'
        ),

        dated as (
            select
                versions.*,
                case
                    when closed_stages.stage is not null
                    then coalesce(versions.closed_at, {{ day_start("versions.close_date") }})
                end as named_closing_at,
                coalesce(
                    versions.source_updated_at,
                    case
                        when first_loads.first_loaded_at <= {{ as_of() }}
                        then least(versions.loaded_at, {{ as_of() }})
                    end
                ) as seen_at
            from versions
            inner join
                loaded_later
                on versions.source_instance = loaded_later.source_instance
                and versions.source_id = loaded_later.source_id
            inner join first_loads on versions.source_instance = first_loads.source_instance
            left join closed_stages on versions.stage = closed_stages.stage
        ),

        compared as (
            select
                *,
                {%- for field in fields %}
                    lag({{ field }}) over in_order as previous_{{ field }},
                {%- endfor %}
                lag(seen_at) over in_order as previous_seen_at
            from dated
            window in_order as (partition by source_instance, source_id order by load_number)
        ),

        differences as (
            {%- for field in fields %}
                select
                    source_instance,
                    source_id,
                    load_number,
                    '{{ field }}' as field,
                    cast(previous_{{ field }} as {{ dbt.type_string() }}) as old_value,
                    cast({{ field }} as {{ dbt.type_string() }}) as new_value,
                    {% if field == "stage" -%}
                        greatest(previous_seen_at, least(named_closing_at, seen_at)) as changed_at
                    {%- else -%} seen_at as changed_at
                    {%- endif %}
                from compared
                where
                    seen_at > previous_seen_at
                    and {{ field }} is distinct from previous_{{ field }}
                    and {{ field }} is not null
                    {{ 'union all' if not loop.last }}
            {%- endfor %}
        ),

        final as (
            select
                {{
                    record_key(
                        "'files'",
                        "differences.source_instance",
                        "differences.source_id || '|' || differences.field || '|' || differences.load_number",
                    )
                }}
                as field_change_key,
                differences.source_instance,
                differences.source_id as entity_id,
                differences.field,
                differences.old_value,
                differences.new_value,
                differences.changed_at
            from differences
            left join
                told
                on differences.source_instance = told.source_instance
                and differences.field = told.field
            where told.field is null
        )

    select *
    from final
{%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as field_change_key,
        cast(null as {{ dbt.type_string() }}) as source_instance,
        cast(null as {{ dbt.type_string() }}) as entity_id,
        cast(null as {{ dbt.type_string() }}) as field,
        cast(null as {{ dbt.type_string() }}) as old_value,
        cast(null as {{ dbt.type_string() }}) as new_value,
        cast(null as timestamp) as changed_at
    where false
{%- endif %}
