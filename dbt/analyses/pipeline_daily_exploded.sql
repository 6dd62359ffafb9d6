-- fct_pipeline_daily at the cost of one row per deal and day, for `make bench`.
{{ pipeline_daily_exploded() }}
