"""The summary's periods and changes."""

from __future__ import annotations

import datetime as dt

import pytest

from dagster_project.summary import Figure, Figures, Period, latest_complete

JAN, FEB, MAR = (dt.date(2024, month, 1) for month in (1, 2, 3))


def win_rates(*starts: dt.date, grain: str = "month", n: int = 5) -> Figures:
    return {("win_rate", grain, start): Figure(0.5, "ratio", n, 0) for start in starts}


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (dt.date(2024, 3, 15), FEB),
        (dt.date(2024, 3, 31), FEB),
        (dt.date(2024, 4, 1), MAR),
        (dt.date(2031, 7, 7), MAR),
        (dt.date(2024, 1, 31), None),
    ],
)
def test_the_latest_complete_month_with_deals(today: dt.date, expected: dt.date | None) -> None:
    found = latest_complete(win_rates(JAN, FEB, MAR), "month", today)
    assert (found.start if found else None) == expected


def test_a_month_without_deals_is_passed_over() -> None:
    figures = {**win_rates(JAN), **win_rates(FEB, n=0)}
    assert latest_complete(figures, "month", MAR) == Period("month", JAN)


def test_a_state_does_not_make_a_month_one_with_deals() -> None:
    figures = {**win_rates(JAN), ("pipeline_value", "month", FEB): Figure(1.0, "money", 9, 0)}
    assert latest_complete(figures, "month", MAR) == Period("month", JAN)


def test_quarters_follow_the_fiscal_year() -> None:
    quarter = Period("quarter", dt.date(2023, 11, 1))
    assert quarter.end == dt.date(2024, 2, 1)
    assert quarter.previous == Period("quarter", dt.date(2023, 8, 1))
    assert quarter.label == "Nov 2023–Jan 2024"
    assert quarter.previous.label == "Aug–Oct 2023"
    assert Period("month", FEB).label == "Feb 2024"
