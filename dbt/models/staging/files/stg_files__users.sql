{{ latest_versions("files", "users") }}
