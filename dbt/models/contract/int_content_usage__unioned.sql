{{ unioned("content_usage") }}
