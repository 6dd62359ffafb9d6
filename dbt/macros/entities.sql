{#-
    In a from clause: every known version of the records of a raw table, with `loaded_at` and
    `load_number`. A load that did not finish has no row in dlt's table of loads, and so none of its
    rows exist. By the comments an increment knows that of the raw table the loads alone matter, and
    `known_at` by them (dagster_project/run/standing.py).
-#}
{% macro known_versions(source_type, table) -%}
    (
        /* known versions */
        select records.*, loads.loaded_at, loads.load_number
        from {{ source("raw_" ~ source_type, table) }} as records
        inner join
            (
                select
                    load_id,
                    {{ loaded_at() }} as loaded_at,
                    row_number() over (order by inserted_at, load_id) as load_number
                from {{ source("raw_" ~ source_type, "_dlt_loads") }}
                where status = 0 and {{ loaded_at() }} <= {{ known_at() }}
            ) as loads
            on records._dlt_load_id = loads.load_id
    /* until here */
    ) as versions
{%- endmacro %}

{#-
    The latest known version of each record of a raw table, with `loaded_at`.

    The latest version is that of the latest load, not of the latest business time: late batches
    carry older times. A load holds a record once, so a version stands until a later load has the
    same record; only what came after a source's first load, usually little, is looked up.

    The versions are read three times, a few columns at a time. No CTE of a view is named twice:
    DuckDB would make a copy of it, and then read every column of every table of the view.
-#}
{% macro latest_versions(source_type, table) -%}
    {%- set versions = known_versions(source_type, table) -%}
    with
        first_loads as (
            select source_instance, min(load_number) as load_number
            from {{ versions }}
            group by source_instance
        ),

        later_versions as (
            select
                versions.source_instance,
                versions.source_id,
                max(versions.load_number) as load_number
            from {{ versions }}
            inner join first_loads on versions.source_instance = first_loads.source_instance
            where versions.load_number > first_loads.load_number
            group by versions.source_instance, versions.source_id
        )

    select versions.*
    from {{ versions }}
    left join
        later_versions
        on versions.source_instance = later_versions.source_instance
        and versions.source_id = later_versions.source_id
    where later_versions.load_number is null or versions.load_number = later_versions.load_number
{%- endmacro %}

{#- The latest known version of each record of an entity that comes in the contract's columns. -#}
{% macro contract_records(source_type, entity) -%}
    {%- set spec = contract()[entity] -%}
    select
        {{ record_key("'" ~ source_type ~ "'", "source_instance", "source_id") }} as {{ spec.key }},
        '{{ source_type }}' as source_system,
        source_instance,
        source_id,
        source_row,
        source_updated_at,
        coalesce(is_deleted, false) as is_deleted,
        loaded_at,
        {%- for column in spec.columns %}
            {%- if column.name in ("currency", "from_currency", "to_currency") %}
                {{ currency_code(column.name) }} as {{ column.name }}{{ ',' if not loop.last }}
            {%- else %} {{ column.name }}{{ ',' if not loop.last }}
            {%- endif %}
        {%- endfor %}
    from ({{ latest_versions(source_type, entity) }}) as versions
{%- endmacro %}

{#-
    The columns that every canonical record begins with, of a source type whose raw tables are not
    the contract's; `records` is the table that they are of.
-#}
{% macro staged_record_columns(source_type, entity, records, source_id=none, is_deleted=none) -%}
    {%- set id = source_id or records ~ ".source_id" -%}
    {{ record_key("'" ~ source_type ~ "'", records ~ ".source_instance", id) }}
    as {{ contract()[entity].key }},
    '{{ source_type }}' as source_system,
    {{ records }}.source_instance,
    {{ id }} as source_id,
    {{ records }}.source_row,
    {{ records }}.source_updated_at,
    {{ is_deleted or records ~ ".is_deleted" }} as is_deleted,
    {{ records }}.loaded_at
{%- endmacro %}

{#- The surrogate key of a record: a hash of system, instance and id. -#}
{% macro record_key(system, instance, id) -%}
    md5({{ system }} || '|' || {{ instance }} || '|' || {{ id }})
{%- endmacro %}

{#- The columns that each staging model of an entity has, in whatever order. -#}
{% macro record_columns(spec) -%}
    {{
        return(
            [
                spec.key,
                "source_system",
                "source_instance",
                "source_id",
                "source_row",
                "source_updated_at",
                "is_deleted",
                "loaded_at",
            ]
            + spec.columns
            | map(attribute="name")
            | list
        )
    }}
{%- endmacro %}

{#- The latest known records of an entity from all of the company's sources, of whatever moment. -#}
{% macro staged_records(entity) -%}
    {%- set spec = contract()[entity] -%}
    {%- set models = [] -%}
    {%- for source_type in var('source_types') if entity in staged_entities()[source_type] -%}
        {%- do models.append(ref("stg_" ~ source_type ~ "__" ~ entity)) -%}
    {%- endfor -%}
    {%- for model in models %}
        select {{ record_columns(spec) | join(", ") }}
        from {{ model }} {{ 'union all ' if not loop.last }}
    {%- else %}
        select
            cast(null as {{ dbt.type_string() }}) as {{ spec.key }},
            cast(null as {{ dbt.type_string() }}) as source_system,
            cast(null as {{ dbt.type_string() }}) as source_instance,
            cast(null as {{ dbt.type_string() }}) as source_id,
            cast(null as bigint) as source_row,
            cast(null as timestamp) as source_updated_at,
            cast(null as boolean) as is_deleted,
            cast(null as timestamp) as loaded_at,
            {%- for column in spec.columns %}
                cast(null as {{ column.type }}) as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
    {%- endfor %}
{%- endmacro %}

{#-
    One canonical entity from all of the company's sources, as of the run's moment: what begins
    later is not there, and what happens later to a record has not happened to it.

    An entity that no source provides is an empty table of the right shape.
-#}
{% macro unioned(entity) -%}
    {%- set spec = contract()[entity] -%}
    with
        records as (
            {%- if entity == "activities" %}{{ planned_and_done(staged_records(entity)) }}
            {%- else %}{{ staged_records(entity) }}
            {%- endif %}
        )

    select
        {{ spec.key }},
        source_system,
        source_instance,
        source_id,
        source_row,
        source_updated_at,
        is_deleted
        and (source_updated_at is null or source_updated_at <= {{ as_of() }}) as is_deleted,
        loaded_at,
        {%- for column in spec.columns %}
            {% if column.is_event -%}
                case
                    when {{ column.name }} <= {{ as_of() }} then {{ column.name }}
                end as {{ column.name }}
            {%- else -%} {{ column.name }}
            {%- endif -%}
            {{ ',' if not loop.last }}
        {%- endfor %}
    from records
    {%- if spec.begins_at %}
        where
            coalesce(
                {{ spec.begins_at }}
                <= {{ as_of() if spec.begins_type == "timestamp" else as_of_day() }},
                true
            )
    {%- endif %}
{%- endmacro %}

{#-
    Whether one of an entity's `records` began or was updated after the company's own as_of: its data
    goes on. What may be planned says so only where it was updated. A day of spend that is not over
    is today in its ad account's time zone, where it may begin before the company's.
-#}
{% macro is_after_as_of(entity) -%}
    {%- set spec = contract()[entity] -%}
    {%- set end = company_as_of() -%}
    {%- set happened = {
        "activities": "coalesce("
        ~ told_done("records")
        ~ ", not "
        ~ may_be_planned("records")
        ~ ")",
        "spend_daily": "not coalesce(records.is_partial, false)",
        "subscriptions": "false",
    } -%}
    (
        records.source_updated_at > {{ end }}
        or (
            records.{{ spec.begins_at }}
            > {{ end if spec.begins_type == "timestamp" else local_day(end) }}
            and not records.is_deleted
            {%- if entity in happened %} and {{ happened[entity] }} {%- endif %}
        )
    )
{%- endmacro %}
