{{ latest_versions("files", "surveys") }}
