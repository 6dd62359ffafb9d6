"""Which days and hours are worked, counted day by day from the `holidays` library itself."""

from __future__ import annotations

import datetime as dt
import random

import duckdb
import holidays
import pytest

from ingestion.company.calendar import Calendar
from ingestion.warehouse.marts_file import marts_of
from tests.conftest import Publish
from tests.macros import made_by_macro

OPENS, CLOSES = dt.time(8, 30), dt.time(17)
OWN = {dt.date(2024, 6, 18): "Day off", dt.date(2024, 7, 5): "Bridge day"}
ON_FRIDAY_OR_SATURDAY = (5, 6)
"""ISO numbers of the days of the week on which nobody of the company works."""
SECONDS = 2 * 366 * 24 * 3600


@pytest.fixture(scope="module")
def marts(published: Publish) -> duckdb.DuckDBPyConnection:
    """What a company with a calendar published; its settings are those above."""
    built = published("closing").folder / "warehouse.duckdb"
    return duckdb.connect(marts_of(built), read_only=True)


def named(day: dt.date) -> str | None:
    """The holiday of a day: Columbus Day is worked, and so was Christmas of one year."""
    if day in OWN:
        return OWN[day]
    name = holidays.country_holidays("US", years=day.year, language="en_US").get(day)
    return None if day == dt.date(2023, 12, 25) or str(name).startswith("Columbus") else name


def is_worked(day: dt.date) -> bool:
    return named(day) is None and day.isoweekday() not in ON_FRIDAY_OR_SATURDAY


def hours_between(first: dt.datetime, last: dt.datetime) -> float:
    """Working hours between two local clock times, day by day."""
    total = dt.timedelta()
    for number in range((last.date() - first.date()).days + 1):
        day = first.date() + dt.timedelta(days=number)
        if is_worked(day):
            begins = max(first, dt.datetime.combine(day, OPENS))
            ends = min(last, dt.datetime.combine(day, CLOSES))
            total += max(ends - begins, dt.timedelta())
    return total / dt.timedelta(hours=1)


def test_every_day_says_whether_it_is_worked(marts: duckdb.DuckDBPyConnection) -> None:
    days = marts.execute(
        "select date_day, is_holiday, holiday_name, is_working_day, working_hours_before "
        "from marts.dim_date order by date_day"
    ).fetchall()
    assert len(days) > 3 * 365
    before = 0.0
    for day, is_holiday, name, is_working_day, hours in days:
        assert (is_holiday, name) == (named(day) is not None, named(day)), day
        assert (is_working_day, hours) == (is_worked(day), before), day
        before += 8.5 if is_worked(day) else 0.0


def test_working_hours_between_moments_are_those_of_each_day(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    draw = random.Random(15)
    begins = dt.datetime(2023, 6, 1)
    pairs = []
    for reach in (3600, 86400, 10 * 86400, SECONDS // 2):
        for _ in range(60):
            first = begins + dt.timedelta(seconds=draw.randrange(SECONDS // 2))
            pairs.append((first, first + dt.timedelta(seconds=draw.randrange(reach))))
    sql = made_by_macro(
        "business_hours_between",
        *("f", "first_at", "l", "last_at"),
        variables={"opens": 510, "closes": 1020},
        double_type=lambda: "double",
        microseconds_between="(epoch_us({1}) - epoch_us({0}))".format,
    )
    given = ", ".join(f"(timestamp '{first}', timestamp '{last}')" for first, last in pairs)
    found = marts.execute(
        f"select first_at, last_at, {sql} from (values {given}) as pairs(first_at, "
        "last_at) join marts.dim_date as f on f.date_day = cast(first_at as date) "
        "join marts.dim_date as l on l.date_day = cast(last_at as date)"
    ).fetchall()
    assert len(found) == len(pairs)
    assert sum(hours > 0 for *_, hours in found) > 100
    assert sum(hours == 0 for *_, hours in found) > 20
    for first, last, hours in found:
        assert hours == pytest.approx(hours_between(first, last), abs=1e-9), (first, last)


def test_yaml_that_means_something_else_is_taken_as_written() -> None:
    """17:00 is a number to YAML, and NO, which is Norway, false."""
    calendar = Calendar.model_validate(
        {"country": False, "closes": 17 * 60, "holidays": {dt.date(2024, 12, 24): "Julaften"}}
    )
    days_off = calendar.days_off()
    assert calendar.variables["closes"] == 1020
    assert days_off[dt.date(2024, 5, 17)] == "Constitution Day"
    assert days_off[dt.date(2024, 12, 24)] == "Julaften"


def test_a_machines_language_names_no_holiday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    for country, name in (("AT", "New Year's Day"), ("MX", "New Year's Day")):
        assert Calendar(country=country).days_off()[dt.date(2031, 1, 1)] == name
