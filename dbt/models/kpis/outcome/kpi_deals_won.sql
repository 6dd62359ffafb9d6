{{ kpi_rollup(ref("int_deals_won__members"), "deals_won", "deals", additive=true) }}
