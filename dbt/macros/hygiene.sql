{#-
    Per source, which columns of an entity it gives: those that company.yml maps, and those that are
    not empty in all of its records. What a source does not give is nobody's omission.
-#}
{% macro given_columns(entity, columns) -%}
    select
        source_instance,
        {%- for column in columns %}
            {%- set sources = var("provided").get(entity, {}).get(column, []) %}
            count({{ column }}) > 0
            {%- for source in sources %}
                or source_instance = '{{ source }}'
            {%- endfor %} as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_" ~ entity ~ "__unioned") }}
    group by source_instance
{%- endmacro %}

{#-
    What `mart_data_hygiene` judges.

    entities: the rules of each, by their columns in `fct_<entity>_hygiene`. `money_kind` names the
        money of an entity whose `amount_at_stake` is neither open nor won.
    of_won: rules of which what was won is at stake.
    high: rules whose breach puts a figure in doubt; the others only make work harder.
    of_figures: references that do so where they resolve to nothing.
-#}
{% macro hygiene_rules() -%}
    {%- set of_closings = [
        "no_close_date",
        "close_date_far_from_closing",
        "closed_in_future",
        "closing_contradicted",
        "closed_before_created",
    ] -%}
    {%- set of_settlements = [
        "invoice_missing",
        "invoice_does_not_count",
        "currency_differs",
        "customer_differs",
    ] -%}
    {%- set entities = {
        "opportunity": {
            "name": "opportunities",
            "has_rep": true,
            "has_amount": true,
            "rules": [
                "owner_missing",
                "account_missing",
                "amount_missing",
                "close_date_missing",
                "created_at_missing",
                "won_without_amount",
                "lost_without_reason",
                "amount_negative",
                "close_date_past",
                "closed_before_contact",
                "owner_left",
                "data_after_as_of",
                "stage_unknown",
                "emptied_contradicted",
                "history_unreadable",
            ]
            + of_closings,
        },
        "lead": {
            "name": "leads",
            "has_rep": true,
            "has_amount": false,
            "rules": [
                "owner_missing",
                "channel_missing",
                "converted_before_created",
                "converted_without_opportunity",
                "owner_left",
                "data_after_as_of",
            ],
        },
        "account": {
            "name": "accounts",
            "has_rep": true,
            "has_amount": true,
            "rules": [
                "owner_missing",
                "domain_missing",
                "owner_left",
                "data_after_as_of",
            ],
        },
        "contact": {
            "name": "contacts",
            "has_rep": false,
            "has_amount": false,
            "rules": [
                "account_missing",
                "email_missing",
                "data_after_as_of",
            ],
        },
        "activity": {
            "name": "activities",
            "has_rep": true,
            "has_amount": false,
            "rules": [
                "owner_missing",
                "about_nothing",
                "direction_missing",
                "after_owner_left",
                "long_overdue",
                "planned_on_closed_deal",
                "data_after_as_of",
            ],
        },
        "user": {
            "name": "users",
            "has_rep": true,
            "has_amount": false,
            "rules": [
                "hired_on_missing",
                "hired_after_first_activity",
                "left_on_missing",
            ],
        },
        "campaign": {
            "name": "campaigns",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "spend",
            "rules": [
                "channel_missing",
                "platform_missing",
                "spent_outside_dates",
                "in_two_sources",
            ],
        },
        "spend": {
            "name": "spend_daily",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "spend",
            "rules": [
                "campaign_missing",
                "days_missing",
                "account_silent",
                "spend_jump",
                "campaign_day_missing",
                "in_two_sources",
                "data_after_as_of",
            ],
        },
        "cost": {
            "name": "costs",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "cost",
            "rules": [
                "team_missing",
                "team_unknown",
                "next_month_missing",
            ],
        },
        "customer": {
            "name": "customers",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "invoiced",
            "rules": [
                "account_unmatched",
                "match_ambiguous",
                "account_deleted",
                "account_contradicted",
                "data_after_as_of",
            ],
        },
        "subscription": {
            "name": "subscriptions",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "recurring",
            "rules": [
                "status_unknown",
                "ended_at_missing",
                "mrr_negative",
                "plan_missing",
                "given_twice",
                "not_invoiced",
                "data_after_as_of",
            ],
        },
        "invoice": {
            "name": "invoices",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "invoiced",
            "rules": [
                "status_unknown",
                "due_at_missing",
                "paid_at_missing",
                "total_negative",
                "line_negative",
                "lines_differ",
                "overpaid",
                "paid_without_payment",
                "amount_paid_differs",
                "data_after_as_of",
            ],
        },
        "payment": {
            "name": "payments",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "paid",
            "rules": of_settlements + ["data_after_as_of"],
        },
        "credit_note": {
            "name": "credit_notes",
            "has_rep": false,
            "has_amount": true,
            "money_kind": "credited",
            "rules": of_settlements + ["more_than_invoiced", "data_after_as_of"],
        },
    } -%}
    {%- set high = [
        "won_without_amount",
        "amount_missing",
        "amount_negative",
        "created_at_missing",
        "converted_before_created",
        "direction_missing",
        "data_after_as_of",
        "stage_unknown",
        "emptied_contradicted",
        "history_unreadable",
        "days_missing",
        "account_silent",
        "spend_jump",
        "campaign_day_missing",
        "in_two_sources",
        "team_missing",
        "team_unknown",
        "next_month_missing",
        "status_unknown",
        "ended_at_missing",
        "mrr_negative",
        "given_twice",
        "paid_at_missing",
        "total_negative",
        "overpaid",
        "paid_without_payment",
        "amount_paid_differs",
        "more_than_invoiced",
        "currency_differs",
        "customer_differs",
    ] -%}
    {%- set of_figures = [
        "owner_unknown",
        "manager_unknown",
        "team_unknown",
        "opportunity_unknown",
        "campaign_unknown",
        "customer_unknown",
        "invoice_unknown",
        "current_stage_unknown",
        "entity_unknown",
        "field_unknown",
        "merged_into_unknown",
        "merged_in_circle",
        "merged_into_deleted",
        "name_differs",
    ] -%}
    {{
        return(
            {
                "entities": entities,
                "of_won": of_closings + ["won_without_amount"],
                "high": high + of_closings,
                "of_figures": of_figures,
            }
        )
    }}
{%- endmacro %}

{#- What is wrong between money that was paid or credited and the invoice that it names. -#}
{% macro settlement_findings(records, invoices) -%}
    {{ invoices }}.standing = 'does_not_count' as invoice_does_not_count,
    {{ records }}.currency <> {{ invoices }}.currency as currency_differs,
    {{ records }}.customer_key <> {{ invoices }}.customer_key as customer_differs
{%- endmacro %}

{#-
    What is `judged` by the rules of an entity, and whether its data goes on after the company's own
    as_of: records that began then are there with that alone.
-#}
{% macro judged_and_later(entity) -%}
    {%- set spec = hygiene_rules().entities[entity] -%}
    {%- set key = contract()[spec.name].key -%}
    {%- set rules = spec.rules | reject("equalto", "data_after_as_of") -%}
    select
        {%- for column in [key, "source_instance", "source_id"] %}
            coalesce(judged.{{ column }}, later.{{ column }}) as {{ column }},
        {%- endfor %}
        judged.amount_at_stake,
        {%- for rule in rules %} judged.{{ rule }}, {%- endfor %}
        later.{{ key }} is not null as data_after_as_of
    from judged
    full join
        (
            select {{ key }}, source_instance, source_id
            from ({{ staged_records(spec.name) }}) as records
            where {{ is_after_as_of(spec.name) }}
        ) as later
        on judged.{{ key }} = later.{{ key }}
{%- endmacro %}
