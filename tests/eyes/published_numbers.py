"""What pages must say: numbers of the published file, and how their texts read as numbers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import duckdb
import pandas as pd

from tests.eyes.members import Members

GRAINS = {"Months": "month", "Quarters": "quarter", "Years": "year", "Weeks": "week"}
CUTS = {
    "Whole company": "company",
    "Team": "team",
    "Region": "region",
    "Segment": "segment",
    "Product": "product",
    "Rep": "rep",
    "Channel": "channel",
    "Stage": "stage",
}
"""Cuts by their names in the filter; pairs of cuts are named alike in filter and table."""
JOINED = "\x1f"
"""What stands between the two keys of a pair."""
TIMES = {"K": 1e3, "M": 1e6, "B": 1e9}


@dataclass(frozen=True)
class Number:
    """A row of `kpi_values`."""

    value: float | None
    n_included: int
    n_excluded: int


@dataclass(frozen=True)
class Numbers:
    """A published file, of a company whose fiscal year begins in a month."""

    connection: duckdb.DuckDBPyConnection
    year_begins_in: int = 1

    def of(
        self, metric: str, variant: str, grain: str, cut: str, key: str | None = None
    ) -> Mapping[tuple[dt.date | None, str], Number]:
        """The numbers of a metric by period and key; by pairs those that the members come to."""
        if " × " in cut:
            return self._of_pairs(metric, variant, grain, cut.split(" × "), key)
        rows = self.connection.execute(
            """select period_start, dimension_key, value, n_included, n_excluded
            from marts.kpi_values
            where metric = ? and variant = ? and period_grain = ? and dimension = ?
                and (dimension_key = ? or ? is null)""",
            [metric, variant, grain, cut, key, key],
        ).fetchall()
        return {(start, of): Number(*rest) for start, of, *rest in rows}

    def _of_pairs(
        self, metric: str, variant: str, grain: str, cuts: list[str], key: str | None
    ) -> Mapping[tuple[dt.date | None, str], Number]:
        rows = self._members.values(metric, grain, cuts, variant).to_dict("records")
        found = {
            (_day(row["period_start"]), JOINED.join(row[cut] for cut in cuts)): Number(
                None if pd.isna(row["value"]) else row["value"],
                int(row["n_included"]),
                int(row["n_excluded"]),
            )
            for row in rows
        }
        return {at: number for at, number in found.items() if key in (None, at[1])}

    @cached_property
    def _members(self) -> Members:
        """The records; the present month is the last one that has an open pipeline."""
        [(present,)] = self.connection.execute(
            """select max(period_start) from marts.kpi_values
            where metric = 'pipeline_value' and period_grain = 'month' and dimension = 'company'"""
        ).fetchall()
        return Members(self.connection, self.year_begins_in, present)

    def has_periods(self, metric: str, variant: str) -> bool:
        """Whether a metric has any number but those of all time."""
        [(found,)] = self.connection.execute(
            """select count(*) from marts.kpi_values
            where metric = ? and variant = ? and period_start is not null""",
            [metric, variant],
        ).fetchall()
        return bool(found)

    @cached_property
    def adds_up(self) -> set[tuple[str, str]]:
        """The metrics and variants that are 0 where nothing happened."""
        rows = self.connection.execute(
            "select metric, variant from marts.kpi_variants where kind = 'sum' and state is null"
        ).fetchall()
        return set(rows)

    def labels(self, cut: str) -> Mapping[str, list[str]]:
        """The keys of a cut by their labels in a line; several may bear the same."""
        if " × " in cut:
            one, other = (self.labels(part) for part in cut.split(" × "))
            return {
                f"{label} · {beside}": [JOINED.join(key) for key in product(keys, others)]
                for label, keys in one.items()
                for beside, others in other.items()
            }
        rows = self.connection.execute(
            """select dimension_label, list(distinct dimension_key) from marts.kpi_values
            where dimension = ? group by 1""",
            [cut],
        )
        return {plain(label): keys for label, keys in rows.fetchall()}

    def targets(
        self, metric: str, variant: str, grain: str, start: dt.date, cut: str, key: str
    ) -> list[float]:
        """What is to be reached: quotas count other deals; of several goals that asks most."""
        rows = self.connection.execute(
            """select better, target from marts.mart_goal_progress
            where metric = ? and variant = ? and period_grain = ? and period_start = ?
                and dimension = ? and dimension_key = ? and target is not null
                and kind_of_goal = 'goal'""",
            [metric, variant, grain, start, cut, key],
        ).fetchall()
        most = {"up": max, "down": min}
        return [most[rows[0][0]](target for _, target in rows)] if rows else []

    def period(self, grain: str, label: str) -> dt.date:
        """The first day of a period by its name, as the filter has it."""
        name = re.sub(r" \(.*\)$", "", label)
        if grain == "month":
            return dt.datetime.strptime(name, "%b %Y").date()
        if grain == "week":
            year, week = re.fullmatch(r"(\d{4}) W(\d+)", name).groups()
            return dt.date.fromisocalendar(int(year), int(week), 1)
        # Where a fiscal year is not the calendar's, its name says so.
        assert name.startswith("FY") == (self.year_begins_in > 1), name
        year, _, quarter = name.removeprefix("FY").partition(" Q")
        months = int(year) * 12 + self.year_begins_in - 1 + 3 * (int(quarter or 1) - 1)
        # A fiscal year bears the year in which it ends.
        months -= 12 if self.year_begins_in > 1 else 0
        return dt.date(months // 12, months % 12 + 1, 1)


def _day(start: pd.Timestamp) -> dt.date | None:
    return None if pd.isna(start) else start.date()


def read(text: str) -> tuple[float, float]:
    """A number as a text of an English page tells it, and half a unit of its last digit."""
    found = re.search(r"(-?)[^\d\-]*?(\d[\d,]*)(?:\.(\d+))?([KMB])?(%)?", text)
    assert found, text
    sign, whole, decimals, times, percent = found.groups()
    unit = TIMES.get(times or "", 1.0) / (100 if percent else 1)
    value = float(f"{whole.replace(',', '')}.{decimals or 0}") * unit
    return (-value if sign else value), 0.5 * 10 ** -len(decimals or "") * unit


def plain(text: str) -> str:
    """A text in one line, without the marks that keep its direction from that of others."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", re.sub("[\u2068\u2069]", "", text))


def is_told(text: str, value: float | None) -> bool:
    """Whether a text tells a value, as far as it goes."""
    if value is None:
        return text in ("–", "no value")
    told, half = read(text)
    return abs(told - value) <= half * (1 + 1e-6) + 1e-9
