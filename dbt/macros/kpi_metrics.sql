{#- Written by `make contract` from the files of models/kpis; do not edit. -#}
{% macro kpi_metrics() -%}
    {{
        return(
            [
                "deals_won",
                "deals_lost",
                "deals_no_decision",
                "revenue_won",
                "win_rate",
                "no_decision_rate",
                "average_deal_size",
                "sales_cycle_days",
                "sales_velocity",
                "quota_attainment",
                "reps_at_quota",
                "pipeline_value",
                "pipeline_created",
                "stage_velocity_days",
                "stage_conversion_rate",
                "process_adherence",
                "stalled_value",
                "pipeline_coverage",
                "slippage_rate",
                "push_count",
                "marketing_spend",
                "cost_per_lead",
                "lead_conversion_rate",
                "return_on_ad_spend",
                "pipeline_sourced",
                "cash_collected",
                "days_sales_outstanding",
                "bookings_to_billings",
            ]
        )
    }}
{%- endmacro %}
