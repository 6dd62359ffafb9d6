{{ latest_versions("files", "contacts") }}
