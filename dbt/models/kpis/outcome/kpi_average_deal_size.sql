{{
    kpi_rollup(
        ref("int_average_deal_size__members"), "average_deal_size", "money", medians=["median"]
    )
}}
