{{ unioned('pipeline_stages') }}
