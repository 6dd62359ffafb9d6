{{ kpi_rollup(ref("int_deals_lost__members"), "deals_lost", "deals", additive=true) }}
