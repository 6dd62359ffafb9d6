"""What was published, in the few numbers that the UI shows of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.numbers.findings import first_to_fix
from dagster_project.numbers.headlines import MATURING
from dagster_project.numbers.untold import Untold
from dagster_project.publication import open_published

SUFFIXES = ("previous", "target", "records")
TO_FIX = 5
LONGEST = 999
"""The characters of a Markdown text that the UI shows where it stands."""


@dataclass(frozen=True)
class Figure:
    """A headline of the company in its last complete month; what is None is not known."""

    metric: str
    unit: str
    month: dt.date
    value: float | None
    previous: float | None
    target: float | None
    records: int | None


def figures(marts: Path) -> list[Figure]:
    """The headlines of a published file, of the last complete month that has any."""
    with open_published(marts) as connection:
        found = connection.execute(
            """select * from marts.mart_headlines
            where dimension = 'company' and period_grain = 'month' and periods_ago >= 1
            order by periods_ago limit 1"""
        ).to_arrow_table()
        units = dict(
            connection.execute(
                "select metric, unit from marts.kpi_variants where variant = 'default'"
            ).fetchall()
        )
    return [
        Figure(
            name.removesuffix("_records"),
            units[name.removesuffix("_records")],
            row["period_start"],
            row[name.removesuffix("_records")],
            *(row[name.removesuffix("records") + suffix] for suffix in SUFFIXES),
        )
        for row in found.to_pylist()
        for name in found.column_names
        if name.endswith("_records")
    ]


def headline_tables(found: Sequence[Figure], currency: str) -> list[str]:
    """The headlines as Markdown tables, each short enough for the UI to show it."""
    if not found:
        return ["No month is complete yet."]
    has_targets = any(one.target is not None for one in found)
    heads = ["value", f"{found[0].month:%B %Y}", "before", "target", "records"]
    rows = [
        [
            _told(one.value, one.unit),
            _name(one, currency),
            *(_told(value, one.unit) for value in (one.previous, one.target)),
            "–" if one.records is None else f"{one.records:,}",
        ]
        for one in found
    ]
    if not has_targets:
        for row in (heads, *rows):
            del row[3]
    tables = [_table(heads, rows[:1])]
    for row in rows[1:]:
        if len(tables[-1]) + len(_line(row)) >= LONGEST:
            tables.append(_table(heads, [row]))
        else:
            tables[-1] += f"\n{_line(row)}"
    return tables


def not_told(found: Sequence[Figure], untold: Untold) -> str:
    """Which headlines are not all there as yet, as Markdown.

    Those that rest on costs or ad spend that are still to be told, and those that ripen.
    """
    known = [one for one in found if one.value is not None]
    young = [one.metric.replace("_", " ") for one in known if one.metric in MATURING]
    return "\n\n".join(
        [
            *untold.sentences(
                (one.metric, "month", one.month, f"{one.month:%B %Y}") for one in known
            ),
            *(f"The {name} of a young month still grows: it is no fall." for name in young),
        ]
    )


def to_fix_table(marts: Path, currency: str) -> str:
    """What is worth putting right first in the records, as a Markdown table."""
    found = first_to_fix(marts, "rule, entity, failing, records, money_at_stake", TO_FIX)
    if not found:
        return "No money is at stake in what is to be put right."
    rows = [
        [
            _told(money or None, "money"),
            f"{entity}: {rule}".replace("_", " "),
            f"{failing:,} of {records:,}",
        ]
        for rule, entity, failing, records, money in found
    ]
    return _table([f"{currency} at stake", "to put right", "records"], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The number first: where there is no room for all, the UI cuts the last columns off."""
    return "\n".join(map(_line, [heads, ["-:", "-", *("-:" for _ in heads[2:])], *rows]))


def _line(cells: Iterable[str]) -> str:
    return f"|{'|'.join(cells)}|"


def _name(figure: Figure, currency: str) -> str:
    """What it is, and in which unit: values are all that their column has room for."""
    name, unit = figure.metric.replace("_", " "), figure.unit.replace("money", currency, 1)
    return name if figure.unit == "ratio" or unit in name else f"{name}, {unit}"


def _told(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "ratio":
        return f"{value:.1%}"
    is_whole = unit.startswith("money") or float(value).is_integer()
    return f"{value:,.0f}" if is_whole else f"{value:,.1f}"
