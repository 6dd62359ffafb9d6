"""mart_headlines beside the numbers that it is made of, cell by cell, of every company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import pandas as pd
import pytest

from ingestion.company.reading import load_company
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published

# From the last company on: another worker publishes them from the first on.
pytestmark = pytest.mark.parametrize("name", list(reversed(TEST_COMPANIES)))

MONTHS = {"month": 1, "quarter": 3, "year": 12}
SUFFIXES = ("_previous", "_target", "_records")


class Cell(NamedTuple):
    """What a row is of."""

    grain: str
    start: dt.date
    dimension: str
    key: str


@dataclass(frozen=True)
class Told:
    """The numbers that are published of the headlines, by metric and cell."""

    numbers: Mapping[tuple[str, Cell], tuple[float | None, int]]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, company: Published, metrics: list[str]) -> Told:
        """Those of periods."""
        rows = company.marts(
            """select metric, period_grain, period_start, dimension, dimension_key, value,
                n_included
            from marts.kpi_values
            where variant = 'default' and period_grain <> 'all'"""
        )
        variants = company.marts(
            "select metric, kind, state from marts.kpi_variants where variant = 'default'"
        )
        return cls(
            {
                (row.metric, Cell(row.period_grain, _day(row.period_start), *row[3:5])): (
                    _number(row.value),
                    row.n_included,
                )
                for row in rows.itertuples(index=False)
                if row.metric in metrics
            },
            {
                row.metric: "other" if row.kind != "sum" else "sum" if not row.state else "level"
                for row in variants.fillna("").itertuples()
            },
        )

    def zeros(self) -> Mapping[tuple[str, str, str], list[dt.date]]:
        """When any part of a cut has a number: by metric, grain and dimension, in order."""
        found: dict[tuple[str, str, str], set[dt.date]] = {}
        for metric, cell in self.numbers:
            found.setdefault((metric, cell.grain, cell.dimension), set()).add(cell.start)
        return {key: sorted(days) for key, days in found.items()}


def _day(value: dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]


def _before(cell: Cell) -> Cell:
    """The cell of the period before, by the calendar of Python."""
    if cell.grain == "week":
        return cell._replace(start=cell.start - dt.timedelta(days=7))
    months = cell.start.year * 12 + cell.start.month - 1 - MONTHS[cell.grain]
    return cell._replace(start=dt.date(months // 12, months % 12 + 1, 1))


@cache
def _end(grain: str, start: dt.date) -> dt.date:
    """The first day after a period."""
    after = start
    while _before(Cell(grain, after, "", "")).start < start:
        after += dt.timedelta(days=7 if grain == "week" else 1)
    return after


@cache
def _periods_ago(grain: str, start: dt.date, now: dt.date) -> int:
    """How many periods, a period itself included, have ended by the beginning of a day."""
    ago = 0
    while (end := _end(grain, start)) <= now:
        start, ago = end, ago + 1
    return ago


@pytest.fixture
def company(name: str, published: Publish) -> Published:
    return published(name)


@pytest.fixture
def wide(company: Published) -> pd.DataFrame:
    return company.marts("select * from marts.mart_headlines")


@pytest.fixture
def metrics(wide: pd.DataFrame) -> list[str]:
    return [column.removesuffix("_records") for column in wide if column.endswith("_records")]


def rows(wide: pd.DataFrame) -> Iterator[tuple[Cell, Mapping[str, object]]]:
    for row in wide.to_dict("records"):
        day = _day(row["period_start"])
        yield Cell(row["period_grain"], day, row["dimension"], row["dimension_key"]), row


def test_each_headline_is_the_published_number_and_a_missing_one_nothing_that_adds_up(
    company: Published, wide: pd.DataFrame, metrics: list[str]
) -> None:
    told = Told.of(company, metrics)
    days = told.zeros()

    def expected(metric: str, cell: Cell) -> tuple[float | None, int | None]:
        if (metric, cell) in told.numbers:
            return told.numbers[metric, cell]
        since = days.get((metric, cell.grain, cell.dimension), [])
        match told.kinds[metric]:
            case "sum" if since and cell.start >= since[0]:
                return 0.0, 0
            case "level" if cell.start in since:
                return 0.0, 0
        return None, None

    wrong = []
    for cell, row in rows(wide):
        for metric in metrics:
            value, records = expected(metric, cell)
            previous, _ = expected(metric, _before(cell))
            found = (row[metric], row[f"{metric}_records"], row[f"{metric}_previous"])
            if tuple(_number(it) for it in found) != (value, _number(records), previous):
                wrong.append((metric, cell, found, (value, records, previous)))
    assert wrong[:5] == []


def test_there_is_a_row_where_any_headline_has_one_and_the_period_has_begun(
    company: Published, wide: pd.DataFrame, metrics: list[str]
) -> None:
    settings = load_company(company.company)
    as_of = settings.local(wide["as_of"].iloc[0].to_pydatetime())
    cells = [cell for cell, _ in rows(wide)]
    begun = {cell for _, cell in Told.of(company, metrics).numbers if cell.start <= as_of.date()}
    assert len(cells) == len(set(cells))
    assert set(cells) == begun
    now = (as_of + dt.timedelta(microseconds=1)).date()
    for cell, row in rows(wide):
        assert row["is_complete"] == (_end(cell.grain, cell.start) <= now), cell
        assert row["periods_ago"] == _periods_ago(cell.grain, cell.start, now), cell


def test_a_target_is_a_goal_of_the_company_file(
    company: Published, wide: pd.DataFrame, metrics: list[str]
) -> None:
    goals = company.marts(
        """select metric, period_grain, period_start, dimension, dimension_key, better, target
        from marts.mart_goal_progress where variant = 'default' and kind_of_goal = 'goal'"""
    )
    wanted: dict[tuple[str, Cell], float] = {}
    for row in goals.itertuples(index=False):
        key = (row.metric, Cell(row.period_grain, _day(row.period_start), *row[3:5]))
        hardest = max if row.better == "up" else min
        wanted[key] = hardest(wanted.get(key, row.target), row.target)
    found = {
        (metric, cell): row[f"{metric}_target"]
        for cell, row in rows(wide)
        for metric in metrics
        if not pd.isna(row[f"{metric}_target"])  # type: ignore[call-overload]
    }
    cells = {cell for cell, _ in rows(wide)}
    assert found == {
        (metric, cell): target
        for (metric, cell), target in wanted.items()
        if metric in metrics and cell in cells
    }
