{{ latest_versions("files", "invoice_lines") }}
