{{ latest_versions("files", "content_usage") }}
