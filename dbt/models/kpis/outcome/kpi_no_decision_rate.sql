{{ kpi_rollup(ref("int_no_decision_rate__members"), "no_decision_rate", "ratio") }}
