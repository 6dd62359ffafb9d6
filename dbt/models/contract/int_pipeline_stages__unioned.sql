{{ unioned("pipeline_stages") }}
