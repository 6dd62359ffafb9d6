{{ kpi_rollup(ref("int_process_adherence__members"), "process_adherence", "ratio") }}
