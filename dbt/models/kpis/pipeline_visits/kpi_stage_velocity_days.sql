{{
    kpi_rollup(
        ref("int_stage_velocity_days__members"),
        "stage_velocity_days",
        "days",
        cuts=deal_cuts() + ["stage"],
        medians=["median"],
    )
}}
