{{ latest_versions("files", "credit_notes") }}
