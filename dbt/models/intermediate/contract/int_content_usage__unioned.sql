{{ unioned('content_usage') }}
