{{
    kpi_rollup(
        ref("int_stage_conversion_rate__members"),
        "stage_conversion_rate",
        "ratio",
        cuts=deal_cuts() + ["stage"],
        by_grain=true,
    )
}}
