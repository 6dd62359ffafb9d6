-- The owners of records, by their users, by whom histories name them.
select source_instance, user_id, source_id
from ({{ latest_versions("hubspot", "owners") }}) as owners
