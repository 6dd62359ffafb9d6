{{
    kpi_rollup(
        ref("int_pipeline_value__members"),
        "pipeline_value",
        "money",
        cuts=deal_cuts() + ["stage"],
        additive=true,
        months=ref("int_pipeline_months"),
        variants=["default", "weighted", "weighted_by_deal"],
        optional_variants=["weighted_by_deal"],
    )
}}
