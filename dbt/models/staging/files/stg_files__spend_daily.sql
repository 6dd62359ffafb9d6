{{ latest_versions("files", "spend_daily") }}
