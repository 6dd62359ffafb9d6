{{
    kpi_rollup(
        ref("int_sales_cycle_days__members"), "sales_cycle_days", "days", medians=["median"]
    )
}}
