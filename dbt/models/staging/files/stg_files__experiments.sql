{{ latest_versions("files", "experiments") }}
