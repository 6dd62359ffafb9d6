-- The values that properties of deals took, as HubSpot tells them.
select
    source_instance,
    source_id,
    source_row,
    source_updated_at,
    is_deleted,
    loaded_at,
    object_id,
    property,
    value,
    changed_at,
    user_id
from ({{ latest_versions("hubspot", "property_history") }}) as history
