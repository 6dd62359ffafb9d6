{{ latest_versions("files", "touches") }}
