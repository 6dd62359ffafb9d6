{{ latest_versions("files", "opportunities") }}
