"""What the UI is told of checks and numbers."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from dagster_project.defs.audit import _outcome
from dagster_project.defs.headlines import Figure, headline_tables
from expectations.report import CheckResult
from expectations.suites import Severity

HYGIENE, VALUES = "marts.fct_opportunity_hygiene", "marts.kpi_values"


def outcome(table: str, severity: Severity, *, unexpected: int, success: bool) -> tuple[bool, str]:
    keys = ("crm/1",) * unexpected
    found = CheckResult(table, "rule", severity, success, 9, unexpected, keys, "It holds.", "")
    told = _outcome(found)
    assert told.metadata["unexpected"] == dg.MetadataValue.int(unexpected)
    return told.passed, told.severity.value


@pytest.mark.parametrize(
    ("table", "severity", "unexpected", "passes"),
    [
        (HYGIENE, "warning", 1, True),
        (HYGIENE, "warning", 0, False),
        (HYGIENE, "critical", 1, False),
        (VALUES, "warning", 1, False),
        (VALUES, "critical", 1, False),
    ],
    ids=["to put right", "not judged", "critical hygiene", "warning", "critical"],
)
def test_what_people_must_put_right_is_counted_and_all_else_fails(
    table: str, severity: Severity, unexpected: int, passes: bool
) -> None:
    passed, told = outcome(table, severity, unexpected=unexpected, success=False)
    assert passed is passes
    assert told == ("ERROR" if severity == "critical" else "WARN")
    assert outcome(table, severity, unexpected=0, success=True)[0]


def figure(unit: str, value: float | None, target: float | None = None) -> Figure:
    return Figure("a_metric", unit, dt.date(2026, 4, 1), value, None, target, 1234)


@pytest.mark.parametrize(
    ("unit", "value", "told"),
    [
        ("money", 1234567.89, "1,234,568|a metric, EUR"),
        ("money per day of cycle", 15.4, "15|a metric, EUR per day of cycle"),
        ("ratio", 0.34454, "34.5%|a metric"),
        ("days", 12.0, "12|a metric, days"),
        ("hours", 1.25, "1.2|a metric, hours"),
        ("money", None, "–|a metric, EUR"),
        ("money", 0.0, "0|a metric, EUR"),
    ],
)
def test_numbers_are_told_with_their_units(unit: str, value: float | None, told: str) -> None:
    [table] = headline_tables([figure(unit, value)], "EUR")
    assert table.splitlines()[0] == "|value|April 2026|before|records|"
    assert table.splitlines()[2] == f"|{told}|–|1,234|"


def test_targets_have_a_column_where_there_are_any() -> None:
    [table] = headline_tables([figure("ratio", 0.2), figure("ratio", 0.2, 0.25)], "EUR")
    assert table.splitlines()[2:] == [
        "|20.0%|a metric|–|–|1,234|",
        "|20.0%|a metric|–|25.0%|1,234|",
    ]


def test_many_headlines_stay_short_enough_to_be_shown() -> None:
    longest = Figure(
        "customer_acquisition_cost",
        "money per day of cycle",
        dt.date(2026, 9, 1),
        *(123_456_789.0, 123_456_789.0, 123_456_789.0, 1_234_567),
    )
    tables = headline_tables([longest] * 24, "EUR")
    assert sum(table.count("customer acquisition cost") for table in tables) == 24
    assert all(len(table) < 1000 for table in tables)


def test_a_company_without_a_complete_month_says_so() -> None:
    assert headline_tables([], "EUR") == ["No month is complete yet."]
