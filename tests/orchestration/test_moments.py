"""Moments as users write them."""

from __future__ import annotations

import datetime as dt

import pytest

from dagster_project.run.dbt_runner import run_values
from dagster_project.run.opening import MomentError, parse_moment
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from tests.orchestration.copies import EDGE_CASES


@pytest.fixture(scope="module")
def company() -> Company:
    """A company in Tokyo, nine hours ahead of UTC."""
    return load_company(EDGE_CASES / "company.yml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-31", dt.datetime(2026, 3, 31, 14, 59, 59, 999999)),
        ("2026-03-31T00:00", dt.datetime(2026, 3, 30, 15)),
        ("2026-03-31T18:00", dt.datetime(2026, 3, 31, 9)),
        ("2026-03-31 18:00:30.25", dt.datetime(2026, 3, 31, 9, 0, 30, 250000)),
        ("2026-03-31T18:00+02:00", dt.datetime(2026, 3, 31, 16)),
        ("2026-03-31T18:00:00Z", dt.datetime(2026, 3, 31, 18)),
    ],
)
def test_a_moment_is_the_companys_unless_it_has_an_offset(
    company: Company, text: str, expected: dt.datetime
) -> None:
    assert parse_moment(company, "as_of", text) == expected


@pytest.mark.parametrize(
    "text", ["yesterday", "31.03.2026", "2026-02-30", "2026-03-31T25:00", "0001-01-01T00:00"]
)
def test_what_is_no_moment_is_named(company: Company, text: str) -> None:
    with pytest.raises(MomentError, match=f"as_of: '{text}' is not a moment"):
        parse_moment(company, "as_of", text)


def test_where_a_companys_data_ends_is_told_to_the_models() -> None:
    moment = dt.datetime(2026, 5, 20, 9)
    told = run_values(moment, moment, company_as_of=moment)
    assert told["SALESOPS_COMPANY_AS_OF"] == told["SALESOPS_AS_OF"] == "2026-05-20 09:00:00.000000"
    never = run_values(moment, moment)["SALESOPS_COMPANY_AS_OF"]
    assert never == "9999-12-31 00:00:00.000000"
