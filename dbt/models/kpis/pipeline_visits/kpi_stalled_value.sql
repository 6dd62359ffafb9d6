{{
    kpi_rollup(
        ref("int_stalled_value__members"),
        "stalled_value",
        "money",
        cuts=deal_cuts() + ["stage"],
        additive=true,
    )
}}
