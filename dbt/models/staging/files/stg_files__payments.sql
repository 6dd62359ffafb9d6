{{ latest_versions("files", "payments") }}
