{#- Written by `make contract` from ingestion/sources/; do not edit. -#}
{#- When a load was finished: a UTC timestamp without zone, of a row of dlt's loads. -#}
{% macro loaded_at() -%} cast(inserted_at at time zone 'UTC' as timestamp) {%- endmacro %}

{#- Types whose raw tables are the contract's entities. -#}
{% macro canonical_types() -%} {{ return(["files", "sql"]) }} {%- endmacro %}

{#- The entities that each type's staging models make. -#}
{% macro staged_entities() -%}
    {{
        return(
            {
                "files": [
                    "users",
                    "accounts",
                    "contacts",
                    "leads",
                    "pipeline_stages",
                    "opportunities",
                    "field_changes",
                    "activities",
                    "campaigns",
                    "spend_daily",
                    "touches",
                    "customers",
                    "subscriptions",
                    "invoices",
                    "invoice_lines",
                    "payments",
                    "credit_notes",
                    "costs",
                    "quotas",
                    "fx_rates",
                    "forecast_submissions",
                    "experiments",
                    "experiment_assignments",
                    "training",
                    "content",
                    "content_usage",
                    "surveys",
                ],
                "google_ads": ["campaigns", "spend_daily"],
                "hubspot": [
                    "users",
                    "accounts",
                    "contacts",
                    "leads",
                    "pipeline_stages",
                    "opportunities",
                    "field_changes",
                    "activities",
                ],
                "linkedin_ads": ["campaigns", "spend_daily"],
                "meta_ads": ["campaigns", "spend_daily"],
                "sql": [
                    "users",
                    "accounts",
                    "contacts",
                    "leads",
                    "pipeline_stages",
                    "opportunities",
                    "field_changes",
                    "activities",
                    "campaigns",
                    "spend_daily",
                    "touches",
                    "customers",
                    "subscriptions",
                    "invoices",
                    "invoice_lines",
                    "payments",
                    "credit_notes",
                    "costs",
                    "quotas",
                    "fx_rates",
                    "forecast_submissions",
                    "experiments",
                    "experiment_assignments",
                    "training",
                    "content",
                    "content_usage",
                    "surveys",
                ],
                "stripe": [
                    "customers",
                    "subscriptions",
                    "invoices",
                    "invoice_lines",
                    "payments",
                    "credit_notes",
                ],
            }
        )
    }}
{%- endmacro %}

{#- A type's raw tables that hold versions of records. -#}
{% macro record_tables() -%}
    {{
        return(
            {
                "files": [
                    "users",
                    "accounts",
                    "contacts",
                    "leads",
                    "pipeline_stages",
                    "opportunities",
                    "field_changes",
                    "activities",
                    "campaigns",
                    "spend_daily",
                    "touches",
                    "customers",
                    "subscriptions",
                    "invoices",
                    "invoice_lines",
                    "payments",
                    "credit_notes",
                    "costs",
                    "quotas",
                    "fx_rates",
                    "forecast_submissions",
                    "experiments",
                    "experiment_assignments",
                    "training",
                    "content",
                    "content_usage",
                    "surveys",
                ],
                "google_ads": ["accounts", "campaigns", "ads", "campaign_days", "ad_days"],
                "hubspot": [
                    "companies",
                    "contacts",
                    "leads",
                    "deals",
                    "line_items",
                    "calls",
                    "emails",
                    "meetings",
                    "notes",
                    "tasks",
                    "users",
                    "owners",
                    "teams",
                    "stages",
                    "property_history",
                ],
                "linkedin_ads": ["accounts", "campaigns", "ads", "campaign_days", "ad_days"],
                "meta_ads": ["accounts", "campaigns", "ads", "campaign_days", "ad_days"],
                "sql": [
                    "users",
                    "accounts",
                    "contacts",
                    "leads",
                    "pipeline_stages",
                    "opportunities",
                    "field_changes",
                    "activities",
                    "campaigns",
                    "spend_daily",
                    "touches",
                    "customers",
                    "subscriptions",
                    "invoices",
                    "invoice_lines",
                    "payments",
                    "credit_notes",
                    "costs",
                    "quotas",
                    "fx_rates",
                    "forecast_submissions",
                    "experiments",
                    "experiment_assignments",
                    "training",
                    "content",
                    "content_usage",
                    "surveys",
                ],
                "stripe": [
                    "customers",
                    "products",
                    "prices",
                    "price_tiers",
                    "coupons",
                    "discounts",
                    "customer_discounts",
                    "subscriptions",
                    "subscription_states",
                    "subscription_state_items",
                    "invoices",
                    "invoice_lines",
                    "invoice_items",
                    "invoice_payments",
                    "charges",
                    "refunds",
                    "disputes",
                    "credit_notes",
                    "credit_note_refunds",
                    "balance_transactions",
                    "events",
                ],
            }
        )
    }}
{%- endmacro %}

{#- The fields of deals of which a type loads every past value. -#}
{% macro declared_histories() -%}
    {{
        return(
            {
                "hubspot": [
                    "stage",
                    "amount",
                    "currency",
                    "close_date",
                    "owner_id",
                    "forecast_category",
                ]
            }
        )
    }}
{%- endmacro %}

{#- Where a type's raw tables have versions of deals. -#}
{% macro raw_deals() -%}
    {{
        return(
            {
                "files": {"table": "opportunities", "stage": "stage", "created_at": "created_at"},
                "hubspot": {"table": "deals", "stage": "dealstage", "created_at": "createdate"},
                "sql": {"table": "opportunities", "stage": "stage", "created_at": "created_at"},
            }
        )
    }}
{%- endmacro %}

{#- Where a type's raw tables have versions of pipeline stages. -#}
{% macro raw_stages() -%}
    {{
        return(
            {
                "files": {"table": "pipeline_stages", "name": "stage", "only": None},
                "hubspot": {"table": "stages", "name": "label", "only": "object = 'deals'"},
                "sql": {"table": "pipeline_stages", "name": "stage", "only": None},
            }
        )
    }}
{%- endmacro %}
