{{ kpi_rollup(ref("int_push_count__members"), "push_count", "count") }}
