{%- set fields = ["stage", "pipeline"] + value_fields() + ["merged_into_id", "is_deleted"] -%}
-- Field changes of opportunities that no source tells: what differs between the versions of a deal
-- that raw has kept, where they are later than the last change of the field that is told. A value
-- that a version no longer has was emptied.
--
-- A version that is not later than the one before it corrects it, and so does one of which nobody
-- knows the moment; only that a record vanished, or came back, is never a correction.
{%- if "files" in var("source_types") %}
    with
        versions as (select * from {{ known_versions("files", "opportunities") }}),

        known as (
            select opportunity_key, load_number, seen_at, shown_at
            from {{ ref("int_opportunity_versions") }}
        ),

        first_loads as (
            select source_instance, min(load_number) as load_number
            from versions
            group by source_instance
        ),

        loaded_later as (
            select distinct versions.source_instance, versions.source_id
            from versions
            inner join first_loads on versions.source_instance = first_loads.source_instance
            where versions.load_number > first_loads.load_number
        ),

        told as (
            select source_instance, entity_id, field, max(changed_at) as told_until
            from {{ known_versions("files", "field_changes") }}
            where entity = 'opportunities' and not (field = 'stage' and new_value is null)
            group by source_instance, entity_id, field
        ),

        dated as (
            select
                versions.source_instance,
                versions.source_id,
                versions.load_number,
                {%- for field in fields if field != "is_deleted" %}
                    versions.{{ field }},
                {%- endfor %}
                coalesce(versions.is_deleted, false) as is_deleted,
                known.seen_at,
                known.shown_at
            from versions
            inner join
                loaded_later
                on versions.source_instance = loaded_later.source_instance
                and versions.source_id = loaded_later.source_id
            inner join
                known
                on {{ record_key("'files'", "versions.source_instance", "versions.source_id") }}
                = known.opportunity_key
                and versions.load_number = known.load_number
        ),

        compared as (
            select
                *,
                {%- for field in fields %}
                    lag({{ field }}) over in_order as previous_{{ field }},
                {%- endfor %}
                lag(seen_at) over in_order as previous_seen_at,
                lag(load_number) over in_order as previous_load_number
            from dated
            window in_order as (partition by source_instance, source_id order by load_number)
        ),

        differences as (
            {%- for field in fields %}
                select
                    source_instance,
                    source_id,
                    load_number,
                    previous_seen_at,
                    '{{ field }}' as field,
                    cast(previous_{{ field }} as {{ dbt.type_string() }}) as old_value,
                    cast({{ field }} as {{ dbt.type_string() }}) as new_value,
                    {% if field == "is_deleted" -%} shown_at as changed_at
                    {%- else -%} seen_at as changed_at
                    {%- endif %}
                from compared
                where
                    {% if field == "is_deleted" -%} previous_load_number is not null
                    {%- else -%} seen_at > previous_seen_at
                    {%- endif %} and {{ field }} is distinct from previous_{{ field }}
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
                -- Beside told changes, the one before tells what was.
                case when told.field is null then differences.old_value end as old_value,
                differences.new_value,
                differences.changed_at
            from differences
            left join
                told
                on differences.source_instance = told.source_instance
                and differences.source_id = told.entity_id
                and differences.field = told.field
            where told.field is null or differences.previous_seen_at > told.told_until
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
