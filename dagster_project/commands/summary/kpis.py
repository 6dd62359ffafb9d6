"""The headline KPIs of the last complete periods, and those of all time that have moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagster_project.numbers.headlines import (
    GRAINS,
    HEADLINES,
    INSTANT,
    MATURING,
    Block,
    Edition,
    Figure,
    Figures,
    Period,
    blocks,
    going_on,
    headline,
    headlines,
    latest_complete,
)
from dagster_project.numbers.untold import ALL_TOLD, Untold
from dagster_project.run.pipeline_run import PipelineRun

if TYPE_CHECKING:
    from rich.table import Table

    from dagster_project.commands.console import PlainConsole

MANYFOLD = 10
"""From here on a change is told as being above."""
MARK = "*"
"""Beside what rests on costs or ad spend that are not told as yet."""


def print_heading(console: PlainConsole, run: PipelineRun) -> None:
    """Whose numbers follow, as of when and in which currency."""
    local = run.company.local(run.as_of)
    console.print(run.company.name, style="bold", end=" ")
    console.print(
        f"as of {local:%Y-%m-%d %H:%M} {run.company.timezone}, money in {run.company.currency}"
    )
    console.print()


def print_kpis(
    console: PlainConsole, run: PipelineRun, figures: Figures, untold: Untold = ALL_TOLD
) -> None:
    """The headlines, of the last complete month and quarter or, without any, of all time."""
    moment, year_start = run.company.local(run.as_of), run.company.fiscal_year_start_month
    for block in blocks(figures):
        periods = list(_shown_periods(figures, block, moment, year_start))
        for period, now in periods:
            console.print(_table_of_period(console, block, figures, period, now, untold))
        if not periods:
            console.print(_table_of_all_time(console, block, figures))
        console.print()
    console.print(
        "The last complete month and quarter in which anything was told, with the change on the "
        "one before, and what there is so far of those that go on: what adds up, sales velocity "
        "and quota attainment have yet to grow. Lead conversion grows for long after and has no "
        "change. Records: how many a figure rests on (left out, with reasons, in kpi_exclusions). "
        "Sales velocity is per day of a sales cycle and grows with the period's length.",
        style="dim",
    )
    if too_little(figures, untold, moment, year_start):
        console.print(f"{MARK} What it rests on is not all told: see above.", style="dim")
    console.print()


def too_little(figures: Figures, untold: Untold, moment: dt.datetime, year_start: int) -> list[str]:
    """Which of the figures that are shown rest on what is not told to the end of their period."""
    told = [
        (metric, period.grain, period.start, label)
        for block in blocks(figures)
        for complete, now in _shown_periods(figures, block, moment, year_start)
        for period, label in (
            (complete, complete.label),
            *([(now, now.label_so_far)] if now else []),
        )
        for metric in headlines(figures, block)
        if _has_value(headline(figures, metric, period.grain, period.start))
    ]
    return untold.sentences(told)


def _shown_periods(
    figures: Figures, block: Block, moment: dt.datetime, year_start: int
) -> Iterator[tuple[Period, Period | None]]:
    """The complete periods of a block, each with the one that goes on."""
    for period in complete_periods(figures, block, moment):
        yield period, going_on(figures, block, period, moment, year_start)


def _has_value(figure: Figure | None) -> bool:
    return figure is not None and figure.value is not None


def complete_periods(figures: Figures, block: Block, moment: dt.datetime) -> list[Period]:
    """The last complete periods of a block, one per grain that has any."""
    ended_by = (moment + INSTANT).date()
    found = (latest_complete(figures, block.dated_by, grain, ended_by) for grain in GRAINS)
    return [period for period in found if period]


def _table_of_period(
    console: PlainConsole,
    block: Block,
    figures: Figures,
    period: Period,
    now: Period | None,
    untold: Untold,
) -> Table:
    """A complete period beside the one that goes on, which comes first."""
    so_far = (now.label_so_far, "records") if now else ()
    title = f"{block.title} by {period.grain}"
    table = console.table(title, *so_far, period.label, "records", "change")
    for metric, name in headlines(figures, block).items():
        figure = headline(figures, metric, period.grain, period.start)
        before = headline(figures, metric, period.grain, period.previous.start)
        changed = "–" if metric in MATURING else change(figure, before)
        if mark := _mark(untold, metric, period, figure):
            changed = "–"
        cells = [f"{shown(figure)}{mark}", _records(figure), changed]
        if now:
            present = headline(figures, metric, now.grain, now.start)
            so_far_shown = f"{shown(present)}{_mark(untold, metric, now, present)}"
            cells = [so_far_shown, _count(present), *cells]
        table.add_row(name, *cells)
    return table


def _mark(untold: Untold, metric: str, period: Period, figure: Figure | None) -> str:
    is_told = not untold.of(metric, period.grain, period.start)
    return "" if is_told or not _has_value(figure) else MARK


def _table_of_all_time(console: PlainConsole, block: Block, figures: Figures) -> Table:
    table = console.table(block.title, "all time", "records")
    for metric, name in headlines(figures, block).items():
        total = headline(figures, metric, "all", None)
        table.add_row(name, shown(total), _records(total))
    return table


def print_moves(console: PlainConsole, before: Edition, after: Edition) -> None:
    """The headlines of all time that have moved since the edition before."""
    table = console.table("all time", "before", "now", "change", "records")
    for metric, name in HEADLINES.items():
        then, now = (headline(edition.figures, metric, "all", None) for edition in (before, after))
        if then != now:
            table.add_row(name, shown(then), shown(now), change(now, then), _records(now))
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


def shown(figure: Figure | None) -> str:
    """A figure with its unit; a dash where there is none."""
    if figure is None or figure.value is None:
        return "–"
    match figure.unit:
        case "ratio":
            return f"{figure.value:,.1%}"
        case "days":
            return f"{figure.value:,.1f} d"
        case "hours":
            return f"{figure.value:,.1f} h"
        case "months":
            return f"{figure.value:,.1f} mo"
        case "money per day of cycle":
            return f"{figure.value:,.0f}/day"
        case _:
            return f"{figure.value:,.0f}"


def change(figure: Figure | None, before: Figure | None) -> str:
    """The change: points for ratios, percent of the earlier value for everything else."""
    if figure is None or before is None or figure.value is None or before.value is None:
        return "–"
    difference = figure.value - before.value
    if figure.unit == "ratio":
        return f"{100 * difference:+,.1f} pt"
    if not before.value:
        return "–"
    share = difference / abs(before.value)
    if abs(share) >= MANYFOLD:
        return f"{'over +' if share > 0 else 'under -'}{MANYFOLD:.0%}"
    return f"{share:+.1%}"


def _records(figure: Figure | None) -> str:
    left_out = f" ({figure.n_excluded:,})" if figure and figure.n_excluded else ""
    return f"{_count(figure)}{left_out}"


def _count(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.n_included:,}"
