{{ latest_versions("files", "experiment_assignments") }}
