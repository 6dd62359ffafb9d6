"""What a run has built beside what is published: what is missing must not go unseen.

Each dimension and fact must keep most of its rows, and each headline total of a period that had
ended most of its value. Where there is less, `Losses` tells how much of that is right.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dagster_project.publication import open_published
from dagster_project.publishing.losses import DEALS, Last, Losses, by_total
from dagster_project.run.dbt_manifest import definitions_hash
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.recipe import recipe_hash
from expectations.comparison import MIN_SHARE, Comparison
from ingestion.paths import CompanyPaths

COMPARED = ("dim_", "fct_")

log = logging.getLogger("salesops")


def compare(run: PipelineRun, manifest: Mapping[str, Any]) -> list[Comparison]:
    """Compare the marts that a run has built with those that are published.

    `manifest` is dbt's. There is nothing to compare in a run for another moment, in one that was
    told to start anew or to accept less, and where nothing is published that can be read.
    """
    if run.is_time_travel or run.fresh or run.force:
        return []
    with _last(run) as last, run.warehouse.kept_open():
        if last is None:
            return []
        why = Losses(run, last, (definitions_hash(manifest), recipe_hash(run.company)))
        why.tell_missing()
        return [*_rows(run, last, why), *_totals(run, last, why)]


@contextmanager
def _last(run: PipelineRun) -> Iterator[Last | None]:
    import duckdb

    marts = CompanyPaths.of(run.company).marts
    if not marts.exists():
        yield None
        return
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(open_published(marts))
            [told] = reader.execute("select * from marts.publication").to_arrow_table().to_pylist()
        except (duckdb.Error, ValueError) as error:
            log.warning("what is published cannot be read, nor compared with: %s", error)
            yield None
            return
        yield Last(
            reader,
            told["known_at"],
            told["as_of"],
            (told["definitions_hash"], told.get("recipe_hash")),
            json.loads(told["row_counts"]),
            json.loads(told["inputs"]),
        )


def _rows(run: PipelineRun, last: Last, why: Losses) -> Iterator[Comparison]:
    """The dimensions and facts, by their rows."""
    before = {table: rows for table, rows in last.row_counts.items() if table.startswith(COMPARED)}
    present = run.warehouse.columns("marts")
    counts = " union all ".join(
        f"select '{table}' as name, count(*) as n from marts.{table}"
        for table in before
        if table in present
    )
    found = run.warehouse.read(counts).to_pylist() if counts else []
    now = {row["name"]: row["n"] for row in found}
    for table, rows in before.items():
        explained = partial(why.of_rows, table, rows)
        yield _compared(f"{table}, rows", rows, now.get(table, 0), explained)


def _totals(run: PipelineRun, last: Last, why: Losses) -> Iterator[Comparison]:
    """The headline totals of the quarters and years that had ended."""
    listed = ", ".join(f"'{metric}'" for metric in DEALS)
    totals = f"""
        select metric, period_grain, period_start, value
        from marts.kpi_values
        where metric in ({listed}) and variant = 'default' and dimension = 'company'
        and period_grain in ('quarter', 'year')"""
    today = run.company.local(last.as_of).date()
    ended = f"period_start + to_months(if(period_grain = 'quarter', 3, 12)) <= date '{today}'"
    published = last.reader.execute(f"{totals} and {ended}").to_arrow_table().to_pylist()
    now = by_total(run.warehouse.read(totals).to_pylist())
    for total, value in by_total(published).items():
        explained = partial(why.of_total, total, value)
        yield _compared(str(total), value, now.get(total, 0.0), explained)


def _compared(
    measure: str, before: float, now: float, explained: Callable[[], float]
) -> Comparison:
    """What there was and is; where that is too little, what explains it."""
    comparison = Comparison(measure, before, now)
    if comparison.share >= MIN_SHARE:
        return comparison
    return replace(comparison, explained=explained())
