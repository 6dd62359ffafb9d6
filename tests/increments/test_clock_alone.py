"""Real exports of which nothing is new: from build to build the clock alone goes on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from tests.increments.days import Days
from tests.kpis.companies import TEST_COMPANIES
from tests.thorough import thorough

MOMENTS = {
    "maven": ("2017-03-31", "2017-04-01", "2017-06-30", "2017-07-03", "2017-12-31", "2018-02-15"),
    "edge_cases": (
        "2025-07-30",
        "2025-08-01",
        "2025-08-02",
        "2026-01-31",
        "2026-02-01",
        "2026-05-20",
    ),
    "answers": ("2026-01-13", "2026-01-31", "2026-03-29", "2026-05-12", "2026-05-19", "2026-05-20"),
    "bpi2012": ("2011-12-31", "2012-01-01"),
}
"""Ends of periods and the days after them, and days on which something was planned or due."""


@thorough
@pytest.mark.parametrize("name", MOMENTS)
def test_the_clock_goes_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not TEST_COMPANIES[name].exports.is_dir():
        pytest.skip(f"the exports of {name} are not on this machine")
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company = load_company(TEST_COMPANIES[name].file)
    days = Days(lambda: company, tmp_path / "whole")
    days.load()
    known_at = now()
    for day in MOMENTS[name]:
        company = company.model_copy(update={"as_of": dt.date.fromisoformat(day)})
        assert company.own_as_of
        plan = days.plan(company.own_as_of, known_at)
        days.build(plan)
        found = days.differences(plan)
        assert not found, f"as of {day}\n" + "\n".join(map(str, found))
        days.publish(company.own_as_of, known_at)
