"""The headline KPIs of the last complete periods, and those of all time that have moved."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from dagster_project.commands.summary.figures import (
    GRAINS,
    HEADLINES,
    Block,
    Edition,
    Figure,
    Figures,
    blocks,
    headline,
    headlines,
    latest_complete,
)
from dagster_project.run.pipeline_run import PipelineRun

if TYPE_CHECKING:
    from rich.table import Table

    from dagster_project.commands.console import PlainConsole

INSTANT = dt.timedelta(microseconds=1)
"""A period has ended at its last microsecond."""


def print_kpis(console: PlainConsole, run: PipelineRun, figures: Figures) -> None:
    """The headlines, of the last complete month and quarter or, without any, of all time."""
    local = run.company.local(run.as_of)
    console.print(run.company.name, style="bold", end=" ")
    console.print(
        f"as of {local:%Y-%m-%d %H:%M} {run.company.timezone}, money in {run.company.currency}"
    )
    console.print()
    for block in blocks(figures):
        console.print(_table(console, block, figures, (local + INSTANT).date()))
        console.print()
    console.print(
        "The last complete month and quarter in which anything was told, each beside the one "
        "before. Records: how many the figure rests on (left out, with reasons, in "
        "kpi_exclusions). Sales velocity is per day of a sales cycle and grows with the period's "
        "length.",
        style="dim",
    )
    console.print()


def _table(console: PlainConsole, block: Block, figures: Figures, ended_by: dt.date) -> Table:
    found = (latest_complete(figures, block.dated_by, grain, ended_by) for grain in GRAINS)
    periods = [period for period in found if period]
    columns = [heading for period in periods for heading in (period.label, "change", "records")]
    table = console.table(block.title, *columns, *([] if periods else ["all time", "records"]))
    for metric, name in headlines(figures, block).items():
        cells: list[str] = []
        for period in periods:
            figure = headline(figures, metric, period.grain, period.start)
            before = headline(figures, metric, period.grain, period.previous.start)
            cells += [_value(figure), _change(figure, before), _records(figure)]
        if not periods:
            total = headline(figures, metric, "all", None)
            cells += [_value(total), _records(total)]
        table.add_row(name, *cells)
    return table


def print_moves(console: PlainConsole, before: Edition, after: Edition) -> None:
    """The headlines of all time that have moved since the edition before."""
    table = console.table("all time", "before", "now", "change", "records")
    for metric, name in HEADLINES.items():
        then, now = (headline(edition.figures, metric, "all", None) for edition in (before, after))
        if then != now:
            table.add_row(name, _value(then), _value(now), _change(now, then), _records(now))
    days = (after.as_of - before.as_of) / dt.timedelta(days=1)
    since = f"Since the last publication, {days:,.1f} days before"
    if table.row_count:
        console.print(f"{since}:")
        console.print(table)
    else:
        console.print(f"{since}, no headline of all time has moved.")
    console.print()


def other_definitions(before: Edition, after: Edition) -> str:
    """Which metrics are defined otherwise since the edition before, in words; empty if none is."""
    known = after.definitions.keys() & before.definitions.keys()
    changed = sorted(it for it in known if after.definitions[it] != before.definitions[it])
    if not changed:
        return ""
    named = f"all {len(known)} metrics" if len(changed) == len(known) > 1 else ", ".join(changed)
    return (
        f"Definitions have changed since the last publication: {named}. "
        "mart_restatements has what that changed in periods that had ended (definition_change)."
    )


def _value(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "–"
    match figure.unit:
        case "ratio":
            return f"{figure.value:.1%}"
        case "days":
            return f"{figure.value:,.1f} d"
        case "hours":
            return f"{figure.value:,.1f} h"
        case "months":
            return f"{figure.value:,.1f} mo"
        case "money per day of cycle":
            return f"{figure.value:,.0f}/cycle day"
        case _:
            return f"{figure.value:,.0f}"


def _change(figure: Figure | None, before: Figure | None) -> str:
    """The change: points for ratios, percent of the earlier value for everything else."""
    if figure is None or before is None or figure.value is None or before.value is None:
        return "–"
    difference = figure.value - before.value
    if figure.unit == "ratio":
        return f"{100 * difference:+.1f} pt"
    return f"{difference / abs(before.value):+.1%}" if before.value else "–"


def _records(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    left_out = f" ({figure.n_excluded:,})" if figure.n_excluded else ""
    return f"{figure.n_included:,}{left_out}"
