{{
    differing_cells(
        "int_hubspot__histories",
        {"source_instance": "source_instance", "entity_id": "object_id"},
    )
}}
-- The deals whose history is another than at the last build: in an increment those of which
-- int_hubspot__histories was written, else all that there are.
select source_instance, object_id as entity_id
from {{ ref("int_hubspot__histories") }}
