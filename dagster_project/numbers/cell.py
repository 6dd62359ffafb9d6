"""Which number is to be explained: names, periods and keys as people write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.errors import SalesopsError, one_of

if TYPE_CHECKING:
    import duckdb

COMPANY, EVERYTHING, ALL_TIME = "company", "all", "all"
GRAINS = ("week", "month", "quarter", "year", ALL_TIME)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
SPELLINGS = (
    "2026-09 (month), 2026-Q3 (fiscal quarter), 2026 (fiscal year), 2026-W37 (week), all, "
    "or as kpi_values has it: 'quarter 2026-07-01'"
)
_SPELLED = re.compile(
    r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|W(?P<week>\d\d)|(?P<month>\d\d)))?"
)
_CELLS = """(
    select metric, variant, period_grain, period_start, dimension, dimension_key, dimension_label
    from marts.kpi_values
    union
    select metric, variant, period_grain, period_start, dimension, dimension_key, dimension_label
    from marts.mart_restatements
)"""
"""What has a number, or had one before."""


class ExplainError(SalesopsError):
    """There is no such number, or nothing that explains it."""


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it was written."""

    metric: str = ""
    variant: str = "default"
    period: str = ALL_TIME
    cut: str = COMPANY
    key: str = ""


@dataclass(frozen=True)
class Cell:
    """A number of `kpi_values`: a metric and variant in a period, of one key of a cut."""

    metric: str
    variant: str = "default"
    grain: str = ALL_TIME
    start: dt.date | None = None
    cut: str = COMPANY
    key: str = EVERYTHING

    @property
    def end(self) -> dt.date | None:
        """The day after the period; None of all time."""
        if self.start is None:
            return None
        if self.grain == "week":
            return self.start + dt.timedelta(days=7)
        return _months_on(self.start, MONTHS[self.grain])


@dataclass(frozen=True)
class Calendar:
    """Periods and how they are written; a fiscal year is named by the year in which it ends."""

    first_month: int

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> Calendar:
        """The published company's."""
        row = connection.execute("select min(fiscal_year_start) from marts.dim_date").fetchone()
        return cls(row[0].month if row and row[0] else 1)

    def read(self, text: str) -> tuple[str, dt.date | None]:
        """Grain and first day of a period.

        >>> Calendar(2).read("2026-Q1")
        ('quarter', datetime.date(2025, 2, 1))
        >>> Calendar(1).read("2026-W01")
        ('week', datetime.date(2025, 12, 29))

        Raises ExplainError where the text is no period.
        """
        if text.lower() == ALL_TIME:
            return ALL_TIME, None
        grain, _, first_day = text.lower().partition(" ")
        found = _SPELLED.fullmatch(text.upper())
        try:
            if found is None:
                return GRAINS[GRAINS.index(grain)], dt.date.fromisoformat(first_day)
            year = int(found["year"])
            if found["month"]:
                return "month", dt.date(year, int(found["month"]), 1)
            if found["week"]:
                return "week", dt.date.fromisocalendar(year, int(found["week"]), 1)
            start = dt.date(year - (self.first_month > 1), self.first_month, 1)
        except ValueError:
            raise ExplainError(f"PERIOD: '{text}' is no period; write {SPELLINGS}") from None
        if found["quarter"]:
            return "quarter", _months_on(start, 3 * (int(found["quarter"]) - 1))
        return "year", start

    def write(self, grain: str, start: dt.date | None) -> str:
        """A period as `read` takes it.

        >>> Calendar(2).write("quarter", dt.date(2025, 2, 1))
        '2026-Q1'
        """
        if start is None:
            return ALL_TIME
        if grain == "week":
            return "{}-W{:02}".format(*start.isocalendar())
        if grain == "month":
            return f"{start:%Y-%m}"
        in_year = (start.month - self.first_month) % 12
        year = _months_on(start, 11 - in_year).year
        return f"{year}" if grain == "year" else f"{year}-Q{in_year // 3 + 1}"


def find_cell(connection: duckdb.DuckDBPyConnection, asked: Asked) -> Cell:
    """The number that was asked for; it may be one that was published once and is no more.

    Raises ExplainError that says what there is instead.
    """
    calendar = Calendar.of(connection)
    _known(connection, "METRIC", asked.metric, "metric", {})
    metric = {"metric": asked.metric}
    _known(connection, "VARIANT", asked.variant, "variant", metric)
    variant = metric | {"variant": asked.variant}
    grain, start = calendar.read(asked.period)
    period = variant | {"period_grain": grain, "period_start": start}
    if not _values(connection, "metric", period):
        raise ExplainError(_no_period(connection, calendar, asked, grain))
    _known(connection, "CUT", asked.cut, "dimension", variant)
    key = _key(connection, asked, period)
    return Cell(asked.metric, asked.variant, grain, start, asked.cut, key)


def _key(connection: duckdb.DuckDBPyConnection, asked: Asked, period: Mapping[str, object]) -> str:
    """The key that was asked for, by itself or by its name."""
    if asked.cut == COMPANY:
        if asked.key not in ("", EVERYTHING):
            raise ExplainError(f"KEY: '{asked.key}' is a key of which cut? Give CUT, too")
        return EVERYTHING
    found = connection.execute(
        f"select distinct dimension_key, dimension_label from {_CELLS} where {_where(period)} "
        "and dimension = ?",
        [*period.values(), asked.cut],
    ).fetchall()
    if not found:
        raise ExplainError(
            f"CUT: '{asked.cut}' has no value of {asked.metric} {asked.variant} in {asked.period}"
        )
    if asked.key in {key for key, _ in found}:
        return asked.key
    named = {key for key, label in found if label.casefold() == asked.key.casefold()}
    if len(named) == 1:
        return str(named.pop())
    if named:
        keys = ", ".join(sorted(named))
        raise ExplainError(
            f"KEY: '{asked.key}' is the name of more than one: write its key: {keys}"
        )
    names = [label if label == key else f"{label} ({key})" for key, label in found]
    said = f": no {asked.cut} '{asked.key}' in {asked.period}" if asked.key else " is missing"
    raise ExplainError(f"KEY{said}; {one_of(asked.key, names)}")


def _known(
    connection: duckdb.DuckDBPyConnection,
    option: str,
    given: str,
    column: str,
    among: Mapping[str, object],
) -> None:
    names = _values(connection, column, among)
    if given not in names:
        whose = f" of {' '.join(map(str, among.values()))}" if among else ""
        said = f": there is no '{given}'{whose}" if given else " is missing"
        raise ExplainError(f"{option}{said}; {one_of(given, names)}")


def _no_period(
    connection: duckdb.DuckDBPyConnection, calendar: Calendar, asked: Asked, grain: str
) -> str:
    """Which periods a variant has where it has none as asked for."""
    rows = connection.execute(
        f"select period_grain, min(period_start), max(period_start) from {_CELLS} "
        "where metric = ? and variant = ? group by 1",
        [asked.metric, asked.variant],
    ).fetchall()
    spans = {
        each: first
        and f"{each}s from {calendar.write(each, first)} to {calendar.write(each, last)}"
        for each, first, last in rows
    }
    told = [spans[grain]] if spans.get(grain) else []
    told = told or [spans[each] or ALL_TIME for each in GRAINS if each in spans]
    return (
        f"PERIOD: {asked.metric} {asked.variant} has no value in '{asked.period}'; "
        f"it has {', '.join(told)}"
    )


def _values(
    connection: duckdb.DuckDBPyConnection, column: str, among: Mapping[str, object]
) -> Sequence[str]:
    rows = connection.execute(
        f"select distinct {column} from {_CELLS} where {_where(among)}", [*among.values()]
    ).fetchall()
    return [value for (value,) in rows]


def _where(columns: Mapping[str, object]) -> str:
    return " and ".join([f"{name} is not distinct from ?" for name in columns] or ["true"])


def _months_on(day: dt.date, months: int) -> dt.date:
    """The first day of a month so many months after that of a day."""
    years, month = divmod(day.month - 1 + months, 12)
    return dt.date(day.year + years, month + 1, 1)
