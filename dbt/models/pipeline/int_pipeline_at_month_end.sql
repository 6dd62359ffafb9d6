-- One row per deal and month at whose end (now, in the current one) it is open, in its state of
-- then.
{{ pipeline_at_month_ends(open_at_ends(ref("int_pipeline_months"))) }}
