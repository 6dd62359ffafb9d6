{{ latest_versions("files", "invoices") }}
