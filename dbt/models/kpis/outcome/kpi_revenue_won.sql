{{ kpi_rollup(ref("int_revenue_won__members"), "revenue_won", "money", additive=true) }}
