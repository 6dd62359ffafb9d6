{{ kpi_rollup(ref("int_deals_no_decision__members"), "deals_no_decision", "deals", additive=true) }}
