"""The closing rule, line by line and worked by hand: what the README beside the company says."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published

DAY_END = "23:59:59.999999"
CLOSINGS = {
    "date_before_the_last_opening": ("won", "2024-03-15 10:00:00", "ann"),
    "opened_on_the_recorded_day": ("won", f"2024-02-28 {DAY_END}", "ann"),
    "reopened_then_won": ("won", "2024-04-10 10:00:00", "ann"),
    "reopened_with_a_stale_date": ("won", "2024-04-10 10:00:00", "ann"),
    "lost_after_the_history_said_won": ("lost", f"2024-02-10 {DAY_END}", "ann"),
    "won_with_a_date_of_next_year": ("won", "2024-04-09 09:00:00", "ann"),
    "open_after_the_history_said_won": ("open", None, "ann"),
    "closed_before_created": ("won", f"2024-02-20 {DAY_END}", "ann"),
    "first_stage_told_late": ("open", None, "ann"),
    "history_before_creation": ("open", None, "ann"),
    "born_closed_by_an_import": ("won", f"2024-02-15 {DAY_END}", "ann"),
    "first_told_to_leave_won": ("won", f"2024-02-15 {DAY_END}", "ann"),
    "won_then_invoiced": ("won", "2024-03-15 10:00:00", "ann"),
    "unknown_stage_told_before_the_closing": ("won", f"2024-03-15 {DAY_END}", "ann"),
    "unknown_stage_within_a_closed_stretch": ("won", "2024-03-15 10:00:00", "ann"),
    "won_on_the_day_of_its_creation": ("won", f"2024-03-05 {DAY_END}", "ann"),
    "owner_changed_on_a_bare_closing_day": ("won", f"2024-03-12 {DAY_END}", "bob"),
    "owner_changed_after_the_told_move_of_that_day": ("won", "2024-03-12 11:00:00", "ann"),
    "outcome_changed": ("won", "2024-04-02 15:00:00", "ann"),
    "entered_late": ("won", f"2024-05-31 {DAY_END}", "ann"),
    "chain_within_a_second": ("won", "2024-05-09 17:00:00", "ann"),
    "nobody_knows_when": ("won", None, "ann"),
    "closing_told_without_a_date": ("lost", "2024-05-20 10:00:00", "ann"),
    "corrected_after_winning": ("won", "2024-05-13 10:00:00", "ann"),
    "midnight_is_a_bare_day": ("won", f"2024-05-02 {DAY_END}", "bob"),
}
REVENUE = {
    "2024-02-01": 2 + 128 + 1024 + 2048,
    "2024-03-01": 1 + 4096 + 8192 + 16384 + 32768 + 65536 + 131072,
    "2024-04-01": 4 + 8 + 32 + 262144,
    "2024-05-01": 524288 + 1048576 + 8388608 + 16777216,
}
"""By month; `nobody_knows_when` is in none."""
FROM_CREATION = 256 + 524288 + 1048576 + 4194304 + 8388608 + (16777216 - 8)
"""Open from January until May, or still."""
PIPELINE = {
    "2024-01-01": FROM_CREATION
    + (1 + 2 + 4 + 8 + 16 + 32 + 64 + 1024 + 2048 + 4096 + 8192 + 16384)
    + (65536 + 131072 + 262144),
    "2024-02-01": FROM_CREATION + (1 + 32 + 64 + 4096 + 8192 + 16384 + 65536 + 131072),
    "2024-03-01": FROM_CREATION + (4 + 8 + 32 + 512),
    "2024-04-01": FROM_CREATION + (64 + 512),
    "2024-05-01": 64 + 256 + 512,
    "2024-06-01": 64 + 256 + 512,
}
"""Open at each month's end, and now; a sum of powers of two tells of which deals."""


@pytest.fixture
def company(published: Publish) -> Published:
    return published("closing")


@pytest.mark.parametrize("deal", CLOSINGS)
def test_status_closing_and_credit(company: Published, deal: str) -> None:
    status, local, rep = CLOSINGS[deal]
    row = company.marts(
        "select * from marts.fct_opportunities where opportunity_id = ?", [deal]
    ).iloc[0]
    closed_at = None
    if not pd.isna(row["closed_at"]):
        utc = pd.Timestamp(row["closed_at"], tz="UTC")
        closed_at = utc.tz_convert("America/New_York").tz_localize(None)
    assert (row["status"], closed_at) == (status, pd.Timestamp(local) if local else None)
    assert row["rep_id"] == rep


def by_month(company: Published, metric: str) -> dict[str, float]:
    """A metric's value for the company by month, where it is not 0."""
    rows = company.marts(
        "select cast(period_start as varchar) as month, value from marts.kpi_values "
        "where metric = ? and variant = 'default' and period_grain = 'month' "
        "and dimension = 'company' and value <> 0",
        [metric],
    )
    return {month: float(value) for month, value in rows.itertuples(index=False)}


def test_revenue_by_month(company: Published) -> None:
    assert by_month(company, "revenue_won") == REVENUE


def test_pipeline_at_the_ends_of_months(company: Published) -> None:
    assert by_month(company, "pipeline_value") == PIPELINE


def test_the_bridge_tells_the_same_story(company: Published) -> None:
    """Exits by their outcome of then: re-openings and changed outcomes keep their movements."""
    rows = company.marts(
        "select * from marts.fct_pipeline_bridge where scope = 'open' and dimension = 'company' "
        "and period_grain = 'month' and basis = 'reporting' order by period_start"
    )
    found = {
        name: {
            str(start)[:7]: float(amount)
            for start, amount in rows[["period_start", name]].itertuples(index=False)
            if amount
        }
        for name in ("won", "lost", "increased", "reopened", "created", "closing")
    }
    assert found["won"] == {
        "2024-02": 4 + 8 + 16 + 2 + 1024 + 2048,
        "2024-03": REVENUE["2024-03-01"] + 64,
        "2024-04": 4 + 8 + 32,
        "2024-05": REVENUE["2024-05-01"],
    }
    assert found["increased"] == {"2024-05": 8}
    assert found["lost"] == {"2024-02": 262144, "2024-05": 4194304}
    assert found["reopened"] == {"2024-03": 4 + 8, "2024-04": 64}
    assert found["created"] == {"2024-01": PIPELINE["2024-01-01"], "2024-03": 512 + 32768}
    assert {f"{month}-01": amount for month, amount in found["closing"].items()} == PIPELINE


def test_days_are_calendar_days_where_either_side_is_bare(company: Published) -> None:
    rows = company.marts(
        "select opportunity_id, days_from_creation_to_close as days from marts.fct_opportunities"
    ).set_index("opportunity_id")["days"]
    assert rows["won_on_the_day_of_its_creation"] == 0
    assert rows["opened_on_the_recorded_day"] == 49
    assert rows["won_then_invoiced"] == 65


@pytest.mark.parametrize(
    ("finding", "deals"),
    [
        ("closed_in_future", {"won_with_a_date_of_next_year"}),
        ("closing_contradicted", {"date_before_the_last_opening", "reopened_with_a_stale_date"}),
        ("closed_before_created", {"closed_before_created"}),
        ("no_close_date", {"nobody_knows_when"}),
    ],
)
def test_findings(company: Published, finding: str, deals: set[str]) -> None:
    rows = company.marts(f"select source_id from marts.fct_opportunity_hygiene where {finding}")
    assert set(rows["source_id"]) == deals
