{{
    kpi_rollup(
        ref("int_lead_conversion_rate__members"),
        "lead_conversion_rate",
        "ratio",
        cuts=lead_cuts(),
    )
}}
