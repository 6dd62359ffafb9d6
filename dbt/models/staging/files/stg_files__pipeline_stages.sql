{{ latest_versions("files", "pipeline_stages") }}
