{{ config(materialized="table") }}
-- Of each deal a digest of its history.
select
    source_instance,
    object_id,
    cast(sum({{ hash_of("history") }}) as {{ dbt.type_string() }}) as digest
from {{ ref("int_hubspot__history") }} as history
group by source_instance, object_id
