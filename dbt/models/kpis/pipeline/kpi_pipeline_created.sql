{{
    kpi_rollup(
        ref("int_pipeline_created__members"),
        "pipeline_created",
        "money",
        additive=true,
        variant_units={"count": "deals"},
    )
}}
