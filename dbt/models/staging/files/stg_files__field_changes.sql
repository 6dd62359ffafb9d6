{{ latest_versions("files", "field_changes") }}
