"""The raw tables as they are judged: what was known at the run's knowledge moment."""

from __future__ import annotations

from ingestion.loading import moments

LOADS = f"""
    select
        load_id,
        {moments.loaded_at()} as loaded_at,
        row_number() over (order by inserted_at, load_id) as load_number
    from {{dataset}}.{moments.LOADS}
    where status = 0 and {moments.loaded_at()} <= {{known_at}}
"""

# The latest known version of each record that is not deleted, found as staging finds it: a version
# stands until a later load has the same record.
LATEST_VERSIONS = f"""
    with loads as ({LOADS}),

    versions as (
        select
            records.*,
            loads.loaded_at,
            loads.load_number
        from {{dataset}}.{{entity}} as records
        inner join loads on records._dlt_load_id = loads.load_id
    ),

    first_loads as (
        select
            source_instance,
            min(load_number) as load_number
        from versions
        group by source_instance
    ),

    later_versions as (
        select
            versions.source_instance,
            versions.source_id,
            max(versions.load_number) as load_number
        from versions
        inner join first_loads on versions.source_instance = first_loads.source_instance
        where versions.load_number > first_loads.load_number
        group by versions.source_instance, versions.source_id
    )

    select versions.*
    from versions
    left join later_versions
        on versions.source_instance = later_versions.source_instance
        and versions.source_id = later_versions.source_id
    where
        (later_versions.load_number is null or versions.load_number = later_versions.load_number)
        and not coalesce(versions.is_deleted, false)
"""

EXPORTS = f"""
    with loads as ({LOADS}),

    exports as (
        select
            exports.source_instance,
            exports.entity,
            exports."rows" as rows_loaded,
            exports.rows_rejected,
            exports.extracted_at,
            exports._dlt_load_id,
            lead(exports."rows") over (
                partition by exports.source_instance, exports.entity
                order by loads.load_number desc
            ) as rows_before,
            row_number() over (
                partition by exports.source_instance, exports.entity
                order by loads.load_number desc
            ) as recency
        from {{dataset}}.exports as exports
        inner join loads on exports._dlt_load_id = loads.load_id
    ),

    latest_exports as (
        select * from exports where recency = 1
    )
"""
