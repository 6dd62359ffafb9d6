{{ config(meta={"dagster": {"ref": {"name": "int_opportunities__unioned"}}}) }}
-- A load has no two versions of a record: that the latest version is one rests on it, and so does
-- the key of every entity.
{%- set tables = [] -%}
{%- for source_type in var("source_types") -%}
    {%- for table in record_tables()[source_type] -%}
        {%- do tables.append((source_type, table)) -%}
    {%- endfor -%}
{%- endfor -%}

{%- for source_type, table in tables %}
    select
        '{{ source_type }}' as source_type,
        '{{ table }}' as record_of,
        source_instance,
        source_id,
        load_number,
        count(*) as times
    from {{ known_versions(source_type, table) }}
    group by source_instance, source_id, load_number
    having count(*) > 1 {{ "union all" if not loop.last }}
{%- endfor %}
