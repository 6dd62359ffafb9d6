"""For every check, a row that breaks it and a neighbour that just does not.

`BASE` holds, per table, the values of a row that breaks nothing; a case says how its two rows
differ from that. Rows are named for their case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]

LOADED_AT = "2026-06-14 12:00:00"
AS_OF = "2026-06-15 12:00:00"


@dataclass(frozen=True)
class Case:
    """What a row needs, beside the base of its table, to break a check, or just not to."""

    breaks: Values
    keeps: Values


RAW_BASE: dict[str, Values] = {
    "users": {"email": "ann@example.com"},
    "accounts": {"domain": "example.com"},
    "contacts": {"email": "ann@example.com"},
    "leads": {"created_at": "2026-06-14", "email": "ann@example.com"},
    "pipeline_stages": {"status": "open", "probability": 0.5},
    "opportunities": {"created_at": "2026-06-01", "currency": "EUR"},
    "field_changes": {"entity": "opportunities", "changed_at": "2026-06-01", "new_value": "b"},
    "activities": {"occurred_at": "2026-06-14", "duration_seconds": 60},
    "campaigns": {"currency": "EUR"},
    "spend_daily": {"day": "2026-06-14", "spend": 1, "currency": "EUR"},
    "touches": {"occurred_at": "2026-06-01", "lead_id": "l"},
    "customers": {"email": "ann@example.com", "domain": "example.com"},
    "subscriptions": {"started_at": "2026-01-01", "currency": "EUR"},
    "invoices": {"issued_at": "2026-01-01", "total": 100, "currency": "EUR"},
    "invoice_lines": {"amount": 1},
    "payments": {"amount": 1, "invoice_id": "i", "occurred_at": "2026-06-01", "currency": "EUR"},
    "credit_notes": {"amount": 1, "occurred_at": "2026-06-01", "currency": "EUR"},
    "costs": {"month": "2026-01-01", "amount": 1, "currency": "EUR"},
    "quotas": {"period_start": "2026-01-01", "amount": 1, "currency": "EUR"},
    "fx_rates": {"from_currency": "USD", "to_currency": "EUR", "rate": 0.9},
    "forecast_submissions": {"amount": 1, "submitted_at": "2026-06-01"},
    "experiments": {"started_at": "2026-06-01"},
    "experiment_assignments": {"assigned_at": "2026-06-01"},
    "training": {"score": 1},
    "content": {"title": "Price list"},
    "content_usage": {"user_id": "u", "occurred_at": "2026-06-01"},
    "surveys": {"type": "nps", "score": 5, "account_id": "a", "occurred_at": "2026-06-01"},
}

_EMAIL = Case({"email": "ann@example"}, {"email": "ann.o'neil+x@mail.example.co.uk"})
_DOMAIN = Case({"domain": "https://example.com"}, {"domain": "my-shop.example.co.uk"})
_CURRENCY = Case({"currency": "eur"}, {"currency": None})
_AMOUNT = Case({"amount": -0.01}, {"amount": 0})
_FIRST_OF_MONTH = Case({"month": "2026-01-31"}, {"month": "2026-02-01"})


def _order(first: str, then: str) -> Case:
    return Case(
        {first: "2026-01-02 00:00:01", then: "2026-01-02 00:00:00"},
        {first: "2026-01-02 00:00:00", then: "2026-01-02 00:00:00"},
    )


def _order_of_days(first: str, then: str) -> Case:
    return Case(
        {first: "2026-01-02", then: "2026-01-01"}, {first: "2026-01-01", then: "2026-01-01"}
    )


def _ahead(column: str) -> Case:
    return Case({column: "2026-06-15 12:00:01"}, {column: "2026-06-15 12:00:00"})


RAW_CASES: dict[tuple[str, str], Case] = {
    ("users", "email_valid"): _EMAIL,
    ("users", "left_after_hired"): _order_of_days("hired_on", "left_on"),
    ("users", "active_after_leaving"): Case(
        {"left_on": "2026-06-13", "is_active": True}, {"left_on": "2026-06-14", "is_active": True}
    ),
    ("accounts", "domain_valid"): _DOMAIN,
    ("accounts", "own_parent"): Case({"parent_id": "own_parent breaks"}, {"parent_id": "other"}),
    ("accounts", "created_at_not_ahead"): _ahead("created_at"),
    ("contacts", "email_valid"): _EMAIL,
    ("contacts", "created_at_not_ahead"): _ahead("created_at"),
    ("leads", "email_valid"): _EMAIL,
    ("leads", "answered_after_created"): _order("created_at", "first_response_at"),
    ("leads", "created_at_not_ahead"): _ahead("created_at"),
    ("pipeline_stages", "probability_in_range"): Case({"probability": 80}, {"probability": None}),
    ("pipeline_stages", "closed_but_uncertain"): Case(
        {"status": "lost", "probability": 0.1}, {"status": "won", "probability": 1}
    ),
    ("opportunities", "currency_known"): _CURRENCY,
    ("opportunities", "merged_into_itself"): Case(
        {"merged_into_id": "merged_into_itself breaks"}, {"merged_into_id": "other"}
    ),
    ("opportunities", "created_at_not_ahead"): _ahead("created_at"),
    ("field_changes", "entity_known"): Case({"entity": "deals"}, {"entity": "leads"}),
    ("field_changes", "nothing_changed"): Case({"old_value": "b"}, {"old_value": None}),
    ("field_changes", "changed_at_not_ahead"): _ahead("changed_at"),
    ("activities", "duration_within_a_day"): Case(
        {"duration_seconds": 86401}, {"duration_seconds": 86400}
    ),
    ("campaigns", "ended_after_started"): _order_of_days("started_on", "ended_on"),
    ("campaigns", "budget_not_negative"): Case({"budget": -0.01}, {"budget": 0}),
    ("campaigns", "currency_known"): _CURRENCY,
    ("spend_daily", "spend_not_negative"): Case({"spend": -1}, {"spend": 0}),
    ("spend_daily", "more_clicks_than_impressions"): Case(
        {"clicks": 2, "impressions": 1}, {"clicks": 1, "impressions": None}
    ),
    ("spend_daily", "currency_known"): _CURRENCY,
    ("spend_daily", "day_not_ahead"): Case({"day": "2026-06-16"}, {"day": "2026-06-15"}),
    ("touches", "of_nobody"): Case({"lead_id": None}, {"lead_id": None, "contact_id": "c"}),
    ("touches", "occurred_at_not_ahead"): _ahead("occurred_at"),
    ("customers", "email_valid"): _EMAIL,
    ("customers", "domain_valid"): _DOMAIN,
    ("subscriptions", "ended_after_started"): _order("started_at", "ended_at"),
    ("subscriptions", "currency_known"): _CURRENCY,
    ("invoices", "due_after_issued"): _order("issued_at", "due_at"),
    ("invoices", "paid_after_issued"): _order("issued_at", "paid_at"),
    ("invoices", "paid_in_part_only"): Case(
        {"paid_at": "2026-02-01", "amount_paid": 99.99},
        {"paid_at": "2026-02-01", "amount_paid": 100},
    ),
    ("invoices", "paid_more_than_due"): Case({"amount_paid": 100.01}, {"amount_paid": 100}),
    ("invoices", "more_tax_than_total"): Case({"tax": 100.01}, {"tax": 100}),
    ("invoices", "issued_at_not_ahead"): Case(
        {"issued_at": "2026-06-15 12:00:01", "due_at": "2026-07-15"},
        {"issued_at": "2026-06-15 12:00:00", "due_at": "2026-07-15"},
    ),
    ("invoices", "currency_known"): _CURRENCY,
    ("invoice_lines", "period_ends_after_start"): _order("period_start", "period_end"),
    ("payments", "amount_not_negative"): _AMOUNT,
    ("payments", "currency_known"): _CURRENCY,
    ("payments", "occurred_at_not_ahead"): _ahead("occurred_at"),
    ("credit_notes", "amount_not_negative"): _AMOUNT,
    ("credit_notes", "currency_known"): _CURRENCY,
    ("credit_notes", "occurred_at_not_ahead"): _ahead("occurred_at"),
    ("costs", "amount_not_negative"): _AMOUNT,
    ("costs", "not_first_of_month"): _FIRST_OF_MONTH,
    ("costs", "currency_known"): _CURRENCY,
    ("quotas", "amount_positive"): Case({"amount": 0}, {"amount": 0.01}),
    ("quotas", "not_first_of_month"): Case(
        {"period_start": "2026-01-31"}, {"period_start": "2026-02-01"}
    ),
    ("quotas", "currency_known"): _CURRENCY,
    ("fx_rates", "rate_positive"): Case({"rate": 0}, {"rate": 0.0000000001}),
    ("fx_rates", "not_one_to_itself"): Case({"from_currency": "EUR"}, {"from_currency": "GBP"}),
    ("fx_rates", "from_currency_known"): Case({"from_currency": "US$"}, {"from_currency": "JPY"}),
    ("fx_rates", "to_currency_known"): Case({"to_currency": "US$"}, {"to_currency": "JPY"}),
    ("forecast_submissions", "amount_not_negative"): _AMOUNT,
    ("forecast_submissions", "submitted_at_not_ahead"): _ahead("submitted_at"),
    ("experiments", "ended_after_started"): _order("started_at", "ended_at"),
    ("experiment_assignments", "assigned_at_not_ahead"): _ahead("assigned_at"),
    ("training", "score_not_negative"): Case({"score": -1}, {"score": 0}),
    ("training", "completed_at_not_ahead"): _ahead("completed_at"),
    ("content", "title_blank"): Case({"title": "  "}, {"title": "x"}),
    ("content_usage", "user_id_given"): Case({"user_id": None}, {"user_id": "v"}),
    ("content_usage", "occurred_at_not_ahead"): _ahead("occurred_at"),
    ("surveys", "nps_out_of_range"): Case({"score": 11}, {"score": 10}),
    ("surveys", "about_nothing"): Case(
        {"account_id": None}, {"account_id": None, "opportunity_id": "o"}
    ),
    ("surveys", "occurred_at_not_ahead"): _ahead("occurred_at"),
}
"""Checks of records, by entity and check."""

EXPORTS_BASE: Values = {"rows": 100, "rows_rejected": 0, "extracted_at": "2026-06-14"}

EXPORT_CASES: dict[str, Case] = {
    "rows_not_fewer": Case({"rows": 79, "rows_before": 100}, {"rows": 80, "rows_before": 100}),
    "rows_not_many_more": Case(
        {"rows": 301, "rows_before": 100}, {"rows": 300, "rows_before": 100}
    ),
    "rows_given": Case({"rows": 0}, {"rows": 1}),
    "export_recent": Case(
        {"extracted_at": "2026-06-07 11:59:59"}, {"extracted_at": "2026-06-07 12:00:00"}
    ),
    "newest_record_recent": Case(
        {"newest": "2026-06-08 11:59:59"}, {"newest": "2026-06-08 12:00:00"}
    ),
}
"""Checks of exports. `rows_before`: an earlier load; `newest`: creation of the newest lead."""

REJECTED_CASE = Case({"rows": 97, "rows_rejected": 3}, {"rows": 98, "rows_rejected": 2})
"""With a tolerance of 2%."""

_RULES = {
    "opportunity": (
        "owner_missing account_missing amount_missing close_date_missing created_at_missing "
        "won_without_amount lost_without_reason amount_negative close_date_past no_close_date "
        "close_date_far_from_closing closed_in_future closing_contradicted closed_before_created "
        "closed_before_contact owner_left data_after_as_of stage_unknown emptied_contradicted "
        "history_unreadable"
    ),
    "lead": (
        "owner_missing channel_missing converted_before_created converted_without_opportunity "
        "owner_left data_after_as_of"
    ),
    "account": "owner_missing domain_missing owner_left data_after_as_of",
    "contact": "account_missing email_missing data_after_as_of",
    "activity": (
        "owner_missing about_nothing direction_missing after_owner_left long_overdue "
        "planned_on_closed_deal data_after_as_of"
    ),
    "user": "hired_on_missing hired_after_first_activity left_on_missing",
    "campaign": "channel_missing platform_missing spent_outside_dates in_two_sources",
    "spend": (
        "campaign_missing days_missing account_silent spend_jump campaign_day_missing "
        "in_two_sources data_after_as_of"
    ),
    "cost": "team_missing team_unknown next_month_missing",
    "customer": (
        "account_unmatched match_ambiguous account_deleted account_contradicted data_after_as_of"
    ),
    "subscription": (
        "status_unknown ended_at_missing mrr_negative plan_missing given_twice not_invoiced "
        "data_after_as_of"
    ),
    "invoice": (
        "status_unknown due_at_missing paid_at_missing total_negative line_negative lines_differ "
        "overpaid paid_without_payment amount_paid_differs data_after_as_of"
    ),
    "payment": (
        "invoice_missing invoice_does_not_count currency_differs customer_differs data_after_as_of"
    ),
    "credit_note": (
        "invoice_missing invoice_does_not_count currency_differs customer_differs "
        "more_than_invoiced data_after_as_of"
    ),
}

HYGIENE_RULES: dict[str, tuple[str, ...]] = {
    f"fct_{entity}_hygiene": tuple(rules.split()) for entity, rules in _RULES.items()
}

DEALS_BASE: Values = {
    "removal": None,
    "amount_native": 10,
    "amount": 9,
    "created_at": "2026-01-01",
    "closed_on": "2026-02-01",
    "stage": "Won",
    "stage_order": 3,
}

DEAL_CASES: dict[str, Case] = {
    "rate_missing": Case({"amount": None}, {"amount": None, "amount_native": None}),
    "created_ahead": Case({"created_at": "2026-06-15 12:00:01"}, {"created_at": AS_OF}),
    "stage_unknown": Case({"stage_order": None}, {"stage": None, "stage_order": None}),
}

STAGE_BASE: Values = {"source_instance": "crm", "pipeline": "Sales", "former_names": "Proposal"}

STAGE_CASES: dict[str, Case] = {
    "rename_inferred": Case({"is_rename_inferred": True}, {"is_rename_inferred": False}),
}

REPEATED_QUOTA = (
    "owner_id = r1, period_start = 2024-01-01, period_grain = month, measure = revenue: repeated;"
    " the first is in line 2"
)

QUOTA_BASE: Values = {
    "target": "rep",
    "period_grain": "month",
    "period_start": "2026-06-01",
    "measure": "revenue",
    "currency": "GBP",
    "amount": 100,
    "times_given": 1,
    "given_by": "crm",
}

QUOTA_CASES: dict[str, Case] = {
    "given_twice": Case({"times_given": 2, "given_by": "crm, hr"}, {}),
    "rate_missing": Case({"amount": None}, {"measure": "deals", "amount": None}),
}

REFERENCE_CASES: dict[str, Values] = {
    "over_a_tenth_resolves": {"n_unresolved": 20, "is_critical": True},
    "resolves": {"n_unresolved": 1, "is_critical": False},
}
"""What breaks one check of references keeps the other."""

KPI_BASE: Values = {
    "metric": "win_rate",
    "variant": "default",
    "period_grain": "month",
    "period_start": "2026-05-01",
    "dimension": "company",
    "dimension_key": "all",
    "value": 0.5,
    "numerator": 1,
    "denominator": 2,
}

KPI_KINDS = {
    ("win_rate", "default"): "share",
    ("win_rate", "by_value"): "quotient",
    ("quota_attainment", "default"): "quotient",
    ("revenue_won", "default"): "sum",
    ("sales_cycle_days", "median"): "median",
    ("pipeline_coverage", "default"): "quotient",
}

_ADDITIVE: Values = {"denominator": None, "metric": "revenue_won"}

KPI_CASES: dict[str, tuple[list[Values], list[Values]]] = {
    "share_in_range": (
        [{"value": 1.5, "numerator": 3}],
        [
            {"value": 1, "numerator": 2},
            {"variant": "by_value", "value": 1.5, "numerator": 3},
            {"metric": "quota_attainment", "value": 1.5, "numerator": 3},
        ],
    ),
    "value_without_denominator": (
        [{"value": 0, "numerator": 0, "denominator": 0}],
        [{"value": None, "numerator": 0, "denominator": 0}],
    ),
    "value_not_quotient": (
        [{"value": 0.51}, {"value": None, "dimension": "rep"}],
        [{"value": 0.3333333333333333, "denominator": 3}],
    ),
    "parts_differ_from_whole": (
        [
            {**_ADDITIVE, "dimension": "rep", "dimension_key": "ann", "value": 60.0},
            {**_ADDITIVE, "dimension": "rep", "dimension_key": "bob", "value": 39.98},
        ],
        [
            {**_ADDITIVE, "value": 100},
            {**_ADDITIVE, "value": 100, "period_grain": "parts_differ_from_whole breaks"},
            {**_ADDITIVE, "dimension": "team", "dimension_key": "east", "value": 60},
            {**_ADDITIVE, "dimension": "team", "dimension_key": "(none)", "value": 40.001},
            # A median has parts that add up to nothing.
            {
                "metric": "sales_cycle_days",
                "variant": "median",
                "value": 3,
                "numerator": None,
                "denominator": None,
                "dimension": "rep",
                "dimension_key": "ann",
            },
        ],
    ),
    "period_ahead": (
        [{"period_start": "2026-07-01"}],
        [{"period_start": "2026-06-01"}, {"metric": "pipeline_coverage"}],
    ),
}
"""Rows that break a check of `kpi_values`, and rows that do not.

The rows of a case are told by their grain, `<check> breaks` or `<check> keeps`.
"""
