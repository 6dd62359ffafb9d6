{{
    config(
        enabled="hubspot" in var("source_types"),
        meta={"dagster": {"ref": {"name": "stg_hubspot__field_changes"}}},
    )
}}
-- Changes are joined to owners by their user: two owners of one user would make two of each change.
select source_instance, user_id, count(*) as times
from ({{ latest_versions("hubspot", "owners") }}) as owners
where
    user_id in (
        select user_id
        from {{ source("raw_hubspot", "property_history") }}
        where user_id is not null
    )
group by source_instance, user_id
having count(*) > 1
