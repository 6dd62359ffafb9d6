"""What company.yml should say, told by the values that do not fit."""

from __future__ import annotations

import doctest

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contract.types import ColumnType
from ingestion.sources.files.values import hints
from ingestion.sources.files.values.hints import remedy


def test_examples() -> None:
    assert doctest.testmod(hints).failed == 0


@pytest.mark.parametrize(
    ("samples", "written"),
    [
        (["01.11.2026"], "use date_format: '%d.%m.%Y'"),
        (["1.11.26 14:05"], "use date_format: '%d.%m.%y %H:%M'"),
        (["99-03-01"], "use date_format: '%y-%m-%d'"),
        (["3/14/24", "03/04/24"], "use date_format: '%m/%d/%y'"),
        (["13/03/2024", "03/04/24"], "use date_format: ['%d/%m/%Y', '%d/%m/%y']"),
        (["31/12/99"], "use date_format: '%d/%m/%y'"),
        (["2024/3/1"], "use date_format: '%Y/%m/%d'"),
        (["20240301"], "use date_format: '%Y%m%d'"),
        (["05-Jan-24"], "use date_format: '%d-%b-%y'"),
        (["January 5, 2024"], "use date_format: '%B %d, %Y'"),
        (["Jan 2024"], "use date_format: '%b %Y'"),
        (["2024-03"], "use date_format: '%Y-%m'"),
        (["2024-03-01", "1.3.2024"], "use date_format: '%d.%m.%Y'"),
        (["2024-01-05 3:04 PM"], "use date_format: '%Y-%m-%d %I:%M %p'"),
        (["2024-02-30"], None),
        (["9999-12-31"], "if it stands for none, nullif(x, '9999-12-31')"),
        (["45292"], "use date '1899-12-30' + x::INTEGER (days as Excel counts)"),
        (["1704067200"], "use to_timestamp(x) (seconds since 1970)"),
        (["13/01/2024", "01/13/2024"], "days come first in some and second in others"),
        (["5. März 2024"], "months are read by their English names, 'März' is none"),
    ],
)
def test_dates(samples: list[str], written: str | None) -> None:
    found = remedy("date", samples)
    assert found == written or (found and written and written in found)


def test_a_short_year_that_may_come_first_is_named() -> None:
    said = "'%d/%m/%y %H:%M' if the day comes first, '%m/%d/%y %H:%M' if the month does"
    said = f"use date_format: {said}, '%y/%m/%d %H:%M' if the year does"
    assert remedy("timestamp", ["05/06/07 10:00"]) == said


@pytest.mark.parametrize(
    ("type_", "samples", "written"),
    [
        ("money", ["1,5", "2,25"], "use decimal: ','"),
        ("money", ["1 200,50"], "use decimal: ',' and thousands: ' '"),
        ("money", ["1'200.50"], 'use thousands: "\'"'),
        ("money", ["1,200.00"], "use thousands: ','"),
        ("money", ["1.250.000", "3.000"], "use thousands: '.'"),
        ("money", ["1,200"], "use thousands: ',' if 1,200 is 1200, decimal: ',' if it is 1.2"),
        ("money", ["1.234,56", "1,234.56"], "mend it where it comes from"),
        ("integer", ["12,34,567"], "use thousands: ','"),
        ("number", ["20%"], "use replace(x, '%', '')::DOUBLE / 100"),
        ("text", ["1,5"], None),
        ("number", [], None),
    ],
)
def test_numbers(type_: ColumnType, samples: list[str], written: str | None) -> None:
    found = remedy(type_, samples)
    assert found == written or (found and written and written in found)


@given(
    day=st.dates(min_value=hints.EARLIEST, max_value=hints.LATEST),
    format_=st.sampled_from(
        ["%d.%m.%Y", "%d.%m.%Y %H:%M", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%Y/%m/%d", "%Y.%m.%d"]
    ),
)
@settings(max_examples=40, deadline=None)
def test_what_is_said_reads_the_value(day: object, format_: str) -> None:
    with duckdb.connect() as connection:
        read = "select strftime(?::DATE, ?)"
        (text,) = connection.execute(read, [day, format_]).fetchone() or ("",)
        said = remedy("date", [text])
        assert said is not None
        assert said.startswith("use date_format: '")
        found = connection.execute(
            "select strptime(?, ?)::DATE", [text, said.split("'")[1]]
        ).fetchone()
    assert found == (day,)


@given(st.sampled_from(["date", "timestamp", "money", "integer", "boolean"]), st.lists(st.text()))
def test_anything_can_be_asked(type_: ColumnType, samples: list[str]) -> None:
    remedy(type_, samples)
