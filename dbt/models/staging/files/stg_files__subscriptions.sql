{{ latest_versions("files", "subscriptions") }}
