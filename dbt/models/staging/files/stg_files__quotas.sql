{{ latest_versions("files", "quotas") }}
