{{ kpi_rollup(ref("int_slippage_rate__members"), "slippage_rate", "ratio", by_grain=true) }}
