{#-
    The metrics that mart_headlines has side by side, which are those that a run's summary shows:
    tests/orchestration/test_summary.py holds the two together.
-#}
{% macro headline_metrics() -%}
    {{
        return(
            [
                "revenue_won",
                "deals_won",
                "win_rate",
                "average_deal_size",
                "sales_cycle_days",
                "sales_velocity",
                "quota_attainment",
                "pipeline_created",
                "pipeline_value",
                "marketing_spend",
                "cost_per_lead",
                "lead_conversion_rate",
                "customer_acquisition_cost",
                "return_on_ad_spend",
                "mrr",
                "new_mrr",
                "churned_mrr",
                "net_revenue_retention",
                "customer_retention_rate",
                "cac_payback_months",
                "cash_collected",
                "days_sales_outstanding",
            ]
        )
    }}
{%- endmacro %}

{#-
    A headline of a row of mart_headlines, or of the one before it: what kpi_values has; where it has
    no row, 0 of what adds up since anything in the cut has a number of it, and of what is open or
    owned at a moment where anything else in the cut has one.
-#}
{% macro headline_value(metric, row, start, firsts, states) -%}
    case
        when {{ row }}.{{ metric }}_records is not null
        then {{ row }}.{{ metric }}
        when {{ start }} >= {{ firsts }}.{{ metric }} or {{ states }}.{{ metric }} = 1
        then 0
    end
{%- endmacro %}
