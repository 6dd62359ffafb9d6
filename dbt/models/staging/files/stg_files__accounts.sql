{{ latest_versions("files", "accounts") }}
