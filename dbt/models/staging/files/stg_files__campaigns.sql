{{ latest_versions("files", "campaigns") }}
