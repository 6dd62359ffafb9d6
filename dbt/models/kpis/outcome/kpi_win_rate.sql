{{ kpi_rollup(ref("int_win_rate__members"), "win_rate", "ratio") }}
