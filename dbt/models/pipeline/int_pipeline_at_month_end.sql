{{
    increment(
        "clocked",
        of=["int_opportunity_states", "int_opportunity_removals"],
        compared={
            "int_pipeline_months": "select * from {rows} where ends_on < {settled}",
            "int_fx_rates__daily": settled_rates(),
        },
    )
}}
-- One row per deal and month at whose end (now, in the current one) it is open, in its state of
-- then.
{{ pipeline_at_month_ends(open_at_ends(ref("int_pipeline_months"))) }}
