"""What was loaded, and what of it was rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dagster_project.run.pipeline_run import PipelineRun
from ingestion.loading.moments import LOAD_ID
from ingestion.loading.reports import LoadReport
from ingestion.rejections import Rule, by_rule, samples_of
from ingestion.warehouse.duckdb_sql import literal
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    from dagster_project.commands.console import PlainConsole

RULES_SHOWN = 5


def print_loads(console: PlainConsole, run: PipelineRun) -> None:
    """What became of the rows that were read, what deserves a look, and what was rejected."""
    tables = [(load.source, one) for load in run.loads for one in load.tables]
    loaded = [(source, one) for source, one in tables if not one.is_unchanged]
    restated = ["restated"] if any(one.rows_restated for _, one in loaded) else []
    table = console.table(
        "loaded", "read", "fit", "rejected", *restated, "new", "changed", "deleted"
    )
    for source, one in loaded:
        read = "–" if one.rows_read is None else f"{one.rows_read:,}"
        became = (one.rows, one.rows_rejected, *((one.rows_restated,) if restated else ()))
        counts = (*became, one.rows_new, one.rows_changed, one.rows_deleted)
        table.add_row(f"{source}.{one.entity}", read, *(f"{count:,}" for count in counts))
    if loaded:
        console.print(table)
    if restated:
        console.print(
            "Restated: another file has the record, too, and its row counts.", style="dim"
        )
    if len(loaded) < len(tables):
        rows = sum(one.rows for _, one in tables if one.is_unchanged)
        count = len(tables) - len(loaded)
        console.print(f"Unchanged, so not loaded again: {count} tables, {rows:,} rows")
    for load in run.loads:
        for warning in load.warnings:
            console.print(f"{load.source}: {warning}", style="yellow")
    for line in rejections(run.warehouse, run.loads):
        console.print(line, style="yellow")


def rejections(warehouse: Warehouse, loads: Iterable[LoadReport]) -> Iterator[str]:
    """The rules that most rows of the entities' last exports broke, a line each."""
    for load in loads:
        for table in load.tables:
            place = f"Rejected from {load.source}.{table.entity}"
            rules = _broken_rules(warehouse, load, table.entity) if table.rows_rejected else []
            for rule in rules[:RULES_SHOWN]:
                yield f"{place}: {rule}"
            if len(rules) > RULES_SHOWN:
                rows = max(rule.rows for rule in rules[RULES_SHOWN:])
                left_out = len(rules) - RULES_SHOWN
                yield f"{place}: {left_out} more rules, up to {rows:,} × each: make check lists all"


def _broken_rules(warehouse: Warehouse, load: LoadReport, entity: str) -> list[Rule]:
    dataset = f"raw_{load.type}"
    # Values stand in the SQL, for patterns have question marks, too.
    ours = f"source_instance = {literal(load.source)} and entity = {literal(entity)}"
    rejected = f"""{dataset}.rejected where {ours} and {LOAD_ID} = (
        select max({LOAD_ID}) from {dataset}.exports where {ours})"""
    return by_rule(entity, warehouse.read(samples_of(rejected)).to_pylist())
