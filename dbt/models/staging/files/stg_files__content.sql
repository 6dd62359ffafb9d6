{{ latest_versions("files", "content") }}
