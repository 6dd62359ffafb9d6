{{ latest_versions("files", "fx_rates") }}
