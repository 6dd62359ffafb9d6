{{ latest_versions("files", "training") }}
