{{ latest_versions("files", "activities") }}
