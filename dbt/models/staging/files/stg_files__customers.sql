{{ latest_versions("files", "customers") }}
