"""What a special board is: what the frame draws it from, and what the frame has to do for it.

The frame runs `query` on the published file (the people's file is attached as `people` for boards
of the page `people`), and shows `picture(rows)` with the rows as the data named `rows`,
`says(rows)`, the table of `columns`, `left_out(rows)` and the definition. Where there are no rows
it shows `empty` and nothing else.

Numbers are formatted by the page, in one way for the company's currency and locale. In a table and
in sentences by the `Format` beside them; in a picture by d3 formats, for which the page gives Vega
a `formatLocale`: money is every format with a `$` (`currency` of that locale), a ratio one with a
`%`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, Any]
Rows = Sequence[Row]
Spec = dict[str, Any]

Page = Literal["pipeline", "velocity", "money", "people", "quality", "trust"]
Format = Literal[
    "text",
    "money",
    "ratio",  # 0.25 is shown as 25%
    "count",  # whole things: records, deals, customers
    "number",
    "days",
    "hours",
    "months",
    "date",
    "day",  # the company's day of a moment
    "moment",  # UTC, with the time of day
    "period",  # a first day; `by` names the column with its grain
    "unit",  # a number; `by` names the column with its unit, as in `kpi_values.unit`
    "yes_no",  # a truth value; NULL is not no
]
ONE = re.compile(r"s\b")
"""What things have less where there is one of them."""
OF_ALL = "n_of_all"
"""The column in which a query that gives the first n rows says how many there are of all."""


@dataclass(frozen=True)
class Column:
    """A column of a board's table: its name in the rows, its heading, how its values are shown."""

    name: str
    label: str
    format: Format = "text"
    by: str | None = None


@dataclass(frozen=True)
class Figure:
    """A value within a sentence; `unit` is its unit or grain where the format asks for one."""

    value: Any
    format: Format
    unit: str | None = None


Sentence = tuple[str | Figure, ...]
"""Words and figures in their order, for the page to join without anything between them."""


@dataclass(frozen=True)
class Sample:
    """How many records stand behind a board: the column with those of a row, and what they are.

    `adds_up` says that no record is in two rows.
    """

    column: str
    things: str
    adds_up: bool = False


@dataclass(frozen=True)
class SpecialBoard:
    """One picture of a page that is not of `kpi_values` by the common filters.

    `table` is where the definition is read from: the comment of that table in the published file.
    `choice` is a column of the rows: the page lets people choose one of its values, in their order
    of appearance, and gives `picture`, `says` and `left_out` only the rows of that one. `top` is
    how many rows the query gives at most (of each choice), `things` what they are in the plural.
    `instead` is a query and what is said instead of `empty` where it gives a row.
    """

    page: Page
    key: str
    title: str
    note: str
    query: str
    table: str
    columns: tuple[Column, ...]
    chart: Callable[[Rows], Spec]
    says: Callable[[Rows], Sentence]
    empty: str
    sample: Sample | None = None
    instead: tuple[str, str] | None = None
    choice: Column | None = None
    top: int | None = None
    things: str = "rows"
    definition: str | None = None

    def picture(self, rows: Rows) -> Spec:
        """The picture of the rows, without the checks that Altair makes of every part of it."""
        from altair.utils.schemapi import debug_mode

        with debug_mode(False):
            return self.chart(rows)

    def left_out(self, rows: Rows) -> Sentence | None:
        """How many rows there are beside those shown; None where there are no others."""
        of_all = max((row[OF_ALL] or 0 for row in rows), default=0) if self.top else 0
        rest = of_all - len(rows)
        if rest <= 0:
            return None
        return ("and ", Figure(rest, "count"), f" more {self.things}, not shown")

    def sampled(self, rows: Rows) -> Sentence | None:
        """How many records stand behind the rows; None where rows are of no records."""
        if self.sample is None:
            return None
        counts = [row[self.sample.column] for row in rows if row[self.sample.column] is not None]
        if not counts:
            return None
        low, high, things = min(counts), max(counts), self.sample.things
        if self.sample.adds_up:
            low = high = sum(counts)
        if low < high:
            return (Figure(low, "count"), " to ", Figure(high, "count"), f" {things}, by row")
        return (Figure(low, "count"), " ", ONE.sub("", things) if low == 1 else things)

    def said_of_nothing(self, connection: duckdb.DuckDBPyConnection) -> str:
        """What is said where there are no rows."""
        if self.instead and connection.execute(self.instead[0]).fetchone():
            return self.instead[1]
        return self.empty

    def chosen(self, rows: Rows) -> dict[Any, list[Row]]:
        """The rows by what can be chosen, in their order; all by None without a choice."""
        chosen: dict[Any, list[Row]] = {}
        for row in rows:
            chosen.setdefault(row[self.choice.name] if self.choice else None, []).append(row)
        return chosen


def rows_of(connection: duckdb.DuckDBPyConnection, board: SpecialBoard) -> list[Row]:
    """What the board's query gives on a published file, plain."""
    found = connection.execute(board.query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, map(plain, row), strict=True)) for row in found.fetchall()]


def known_sum(rows: Rows, name: str) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [row[name] for row in rows if row[name] is not None]
    return round(math.fsum(known), 6) if known else None


def plain(value: Any) -> Any:
    """A value as JSON has it: days and moments in ISO 8601, what is no number None."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value
