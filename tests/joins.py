"""Joins that compare all rows of one side with all of the other: they would outgrow the data."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from ingestion.warehouse.marts_file import show_marts
from tests.kpis.companies import Published
from tests.plans import pairwise_joins

FEW: Mapping[str, tuple[int, str]] = {
    "activities": (1, "rep-months and rep-weeks with types of activity, as in the result"),
    "dim_date": (1, "one row with one row, the first and the last moment"),
    "fct_activities": (6, "sources with sources"),
    "fct_customer_hygiene": (1, "with one row, whether there are accounts"),
    "fct_pipeline_bridge": (2, "months with the scopes and grains of the bridge"),
    "fct_spend_daily": (1, "sources with sources"),
    "fct_subscription_hygiene": (1, "with one row, whether there are invoices"),
    "fct_touches": (3, "sources with sources"),
    "int_account_channels": (2, "sources with sources"),
    "int_activities__news": (7, "sources with sources, with one row, whether there was a build"),
    "int_bookings_billed": (1, "with one row, whether invoices name deals"),
    "int_content_visits": (1, "sources with sources"),
    "int_credit_notes__priced": (1, "sources with sources"),
    "int_customer_ids": (1, "sources with sources"),
    "int_field_histories": (1, "sources with fields"),
    "int_invoices__priced": (1, "sources with sources"),
    "int_lead_deals": (1, "sources with sources"),
    "int_lead_responses": (2, "sources with sources"),
    "int_leads__reached": (1, "sources with sources"),
    "int_opportunity_versions": (1, "with one row, whether the data goes on"),
    "int_payments__priced": (1, "sources with sources"),
    "int_pipeline_at_month_end": (1, "with the one month that is current"),
    "int_quota_credits": (1, "with one row, whether activities have quotas"),
    "int_rep_days": (1, "with one row, the company's first day"),
    "int_talk_differences": (1, "with one row, the company's usual rates"),
    "int_talk_skills": (1, "with one row, the company's deal size"),
    "int_stage_periods": (1, "stages and teams with periods, as in the result"),
    "int_kpi_cells__recomputed": (1, "optional variants with months"),
    "kpi_members": (1, "rep-months and rep-weeks with types of activity, as in the result"),
    "kpi_month_cells": (1, "months with grains"),
    "mart_pipeline_changes": (1, "removals with the four moments since which changes are told"),
    "mart_receivables": (1, "with one row, the first month"),
    "mart_references": (1, "with one row, how the company's quotas are attained"),
    "mart_restatements": (3, "with one row, the last run"),
    "pipeline_created_is_the_bridges": (1, "with one row, how many deals are undated"),
    "pipeline_daily_equals_states": (1, "with the day that is current"),
    "pipeline_value": (1, "with one row, whether deals have probabilities"),
}
"""Models and tests that have such joins: how many, and why they are of few rows."""


def of_all_pairs(company: Published) -> dict[str, list[str]]:
    """The joins of all pairs in a company's models and tests, where there are more than `FEW` says.

    DuckDB finds rows by hash where each condition of an outer join compares the two sides. One that
    sees a single side belongs into the key: `case when … then key end = other.key`.
    """
    found = {}
    warehouse = company.folder / "warehouse.duckdb"
    with duckdb.connect(warehouse, read_only=True) as connection:
        show_marts(connection, warehouse)
        # However few rows a test has, DuckDB is to plan as for many.
        connection.execute("set nested_loop_join_threshold = 0; set merge_join_threshold = 0")
        for path in (company.folder / "dbt" / "target" / "compiled").rglob("*.sql"):
            if "hooks" not in path.parts:
                joins = pairwise_joins(connection, path.read_text(encoding="utf-8"))
                if len(joins) > FEW.get(path.stem, (0, ""))[0]:
                    found[path.stem] = joins
    return found
