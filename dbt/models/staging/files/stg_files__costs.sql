{{ latest_versions("files", "costs") }}
