{{ latest_versions("files", "forecast_submissions") }}
