{{ latest_versions("files", "leads") }}
