"""A company with one row behind each special board, whose names a test chooses."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import duckdb

from tests.dashboard.shell import empty, insert

MONTHS = [dt.date(2024, month, 1) for month in range(1, 13)]
"""The last one is not over."""
NOW = MONTHS[-1]
LAST = MONTHS[-2]


@cache
def small_company(name: str = "Ann", money: float | None = 100.0) -> duckdb.DuckDBPyConnection:
    """Every name is `name`; all money and whatever is measured is `money`, where it may be NULL.

    One for all that ask for the same: to be read only.
    """
    connection = empty()

    def put(table: str, *rows: dict[str, Any]) -> None:
        insert(connection, table, *rows)

    for month in MONTHS:
        quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
        put(
            "dim_date",
            {
                "date_day": month,
                "fiscal_quarter_start": quarter,
                "fiscal_year_start": dt.date(2024, 1, 1),
            },
        )
        for grain, start in (("month", month), ("quarter", quarter)):
            if start == month:
                put("fct_pipeline_bridge", _bridge(grain, start, money))
        put("kpi_values", _kpi("mrr", "month", month, money))
        put("fct_mrr_movements", _movement(month, money))
    put("mart_deal_inspection", {"opportunity_name": name, "stage": name, "amount": money})
    put(
        "mart_pipeline_coverage",
        {
            "period_grain": "quarter",
            "period_start": dt.date(2024, 10, 1),
            "has_begun": True,
            "dimension": "company",
            "quota": money,
            "won": money,
            "to_go": money,
            "due": 50,
            "due_deals": 1,
            "coverage_to_go": money,
            "overdue_deals": 0,
            "undated_deals": 0,
        },
    )
    put(
        "mart_pipeline_changes",
        {
            "since": "yesterday",
            "money_rank": 1,
            "opportunity_key": "k",
            "opportunity_name": name,
            "movement": "increased",
            "field": "amount",
            "old_value": name,
            "new_value": name,
            "rep_name": name,
            "changed_at": dt.datetime(2024, 12, 2),
            "money_at_stake": money,
            "pipeline_effect": money,
        },
    )
    put("fct_stage_visits", {"stage_label": name, "stage_order": 1})
    put(
        "kpi_values",
        {
            **_kpi("stage_conversion_rate", "all", None, None if money is None else 0.5),
            "dimension": "stage",
            "dimension_key": name,
            "numerator": None if money is None else 10,
            "denominator": 20,
        },
    )
    share = None if money is None else 0.5
    put(
        "mart_bottlenecks",
        {
            "period_grain": "quarter",
            "period_start": dt.date(2024, 7, 1),
            "stage": name,
            "pipeline": "(none)",
            "stage_order": 1,
            "team": "all",
            "is_bottleneck": True,
            "is_slow": None if money is None else True,
            "bottleneck_since": dt.date(2024, 7, 1),
            "median_days": money,
            "median_days_low": money,
            "median_days_high": money,
            "usual_median_days": money,
            "stalled_share": share,
            "drop_rate": share,
            "stays_ended": 12,
            "stays_due": 12,
            "money_held_up": money,
        },
    )
    reached = None if money is None else 5
    for dimension, key in (("company", "all"), ("channel", name)):
        put(
            "mart_funnel",
            {
                "dimension": dimension,
                "dimension_key": key,
                "dimension_label": key,
                "leads": 20,
                "qualified": reached,
                "accepted": reached,
                "opportunities": reached,
                "won": reached,
            },
        )
    put(
        "mart_campaign_performance",
        {
            "campaign_id": "1",
            "campaign_name": name,
            "channel": name,
            "spend": 80,
            "spend_without_rate": 0,
            **{f"won_{model}": money for model in ("first", "last", "linear", "position")},
            **{
                f"return_on_ad_spend_{model}": money
                for model in ("first", "last", "linear", "position")
            },
        },
    )
    put(
        "mart_retention_cohorts",
        {
            "basis": "subscriptions",
            "cohort_month": LAST,
            "months_since": 0,
            "cohort_customers": 3,
            "customers": 3,
            "customer_retention": share,
            "money_retention": share,
        },
    )
    put(
        "mart_receivables",
        {
            "month_start": NOW,
            "ends_on": NOW,
            "is_current": True,
            "receivable": money,
            "not_due": money,
            "overdue": money,
            "days_0_30": money,
            "days_31_60": money,
            "days_61_90": money,
            "days_over_90": money,
            "on_account": money,
        },
    )
    put(
        "people.marts.mart_rep_scorecard",
        {
            "rep_id": "1",
            "rep_name": name,
            "month_start": LAST,
            "metric": "win_rate",
            "variant": "default",
            "unit": "ratio",
            "value": 0.5,
            "low": share,
            "high": share,
            "peer_median": share,
            "own_trailing_6m": share,
            "n_included": 12,
            "is_over": True,
            "is_active": True,
            "is_enough_data": money is not None,
        },
    )
    put(
        "people.marts.mart_ramp",
        {
            "rep_id": "1",
            "rep_name": name,
            "hired_on": dt.date(2024, 9, 1),
            "months_since_hire": 1,
            "month_start": LAST,
            "attainment": share,
            "tenured_median": share,
            "is_whole": True,
            "is_over": True,
            "days_to_first_deal": 30,
            "is_censored": True,
        },
    )
    put(
        "mart_activity_quality",
        {
            "rep_id": "1",
            "rep_name": name,
            "month_start": LAST,
            "activity_type": "call",
            "activities": 30,
            "records": 12,
            "outcomes": 6,
            "rate": 0.5,
            "low": share,
            "high": share,
            "peer_rate": share,
            "is_enough_data": True,
            "is_busy_without_results": None,
        },
    )
    hygiene = {"rep_id": "all", "records": 10, "failing": 3, "score": share, "example_keys": name}
    put("mart_data_hygiene", hygiene | {"entity": "all", "rule": "all", "severity": "all"})
    put(
        "mart_data_hygiene",
        hygiene
        | {
            "entity": "opportunities",
            "rule": name,
            "severity": "high",
            "money_kind": "open",
            "money_at_stake": money,
            "fix_rank": 1,
        },
    )
    put(
        "mart_references",
        {
            "source_instance": "crm",
            "entity": name,
            "column_name": "owner_id",
            "target": "users",
            "rule": "owner_id_unknown",
            "is_provided": True,
            "is_critical": False,
            "n_given": 10,
            "n_unresolved": 4,
            "unresolved_share": 0.4,
            "money_at_stake": money,
            "samples": name,
            "summary": name,
        },
    )
    put(
        "mart_restatements",
        {
            "metric": "revenue_won",
            "variant": "default",
            "period_grain": "month",
            "period_start": LAST,
            "dimension": "company",
            "unit": "money",
            "first_value": 10,
            "value": 30,
            "difference": 20,
            "late_facts": money,
            "corrections": 0,
            "definition_change": 0,
            "later_events": 0,
        },
    )
    put(
        "kpi_exclusions",
        {
            "metric": "win_rate",
            "variant": "default",
            "entity": "opportunity",
            "entity_key": "k",
            "reason": name,
        },
    )
    put(
        "mart_definitions_compared",
        {
            "metric": "win_rate",
            "period_grain": "all",
            "dimension": "company",
            "variant": "default",
            "formula": name,
            "unit": "ratio",
            "value": share,
            "used_by": name,
        },
    )
    put(
        "mart_benchmarks",
        {
            "metric": "win_rate",
            "variant": "default",
            "unit": "ratio",
            "period_grain": "quarter",
            "period_start": dt.date(2024, 7, 1),
            "own_value": 0.4,
            "own_low": share,
            "own_high": share,
            "benchmark_value": 0.5,
            "statistic": "median",
            "publisher": name,
            "is_comparable": True,
        },
    )
    return connection


def _bridge(grain: str, start: dt.date, money: float | None) -> dict[str, Any]:
    steps = (
        *("created", "pulled_in", "reopened", "increased", "owner_gained", "decreased"),
        *(
            "pushed_out",
            "won",
            "lost",
            "no_decision",
            "deleted",
            "merged",
            "owner_lost",
            "currency",
        ),
    )
    return {
        "scope": "open",
        "period_grain": grain,
        "period_start": start,
        "dimension": "company",
        "dimension_key": "all",
        "basis": "reporting",
        "currency_code": "EUR",
        "opening": money,
        **dict.fromkeys(steps, 0),
        "created": money,
        "closing": None if money is None else 2 * money,
        "n_without_rate": 1 if money is None else 0,
    }


def _kpi(metric: str, grain: str, start: dt.date | None, value: float | None) -> dict[str, Any]:
    return {
        "metric": metric,
        "variant": "default",
        "unit": "money",
        "period_grain": grain,
        "period_start": start,
        "dimension": "company",
        "dimension_key": "all",
        "value": value,
    }


def _movement(month: dt.date, money: float | None) -> dict[str, Any]:
    return {
        "month_start": month,
        "customer_key": "c",
        "opening": money,
        **dict.fromkeys(
            ("new", "expansion", "contraction", "churn", "reactivation", "currency"),
            None if money is None else 0,
        ),
        "closing": money,
    }
