"""What has been published, number by number: the schema `history` that mart_restatements reads.

`publications` has a row per publication. `kpi_versions` has, of every period that had ended, each
number that differs from the one before it, with the cause. A publication is entered by the run
after it, from the published file itself: what was not published cannot get in, and a run that is
killed leaves nothing out.

Before it builds, a run also takes the numbers of the last publication apart from its own. It
builds the same business moment again (see `replays`): on the old knowledge with the models of now,
then with late facts, then with corrections; each only where there is something of the kind. What
is left to its own numbers has happened since. These rows count once their run is published.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.publication import show_published
from dagster_project.publishing.replay import Cause, News, news_since, replays
from dagster_project.publishing.versions import (
    HISTORY,
    TABLES,
    add_own,
    enter_numbers,
    find_latest,
    finished,
    numbers_of,
    take_in,
)
from dagster_project.run.copying import copy_tables
from dagster_project.run.dbt_manifest import definitions_hash, raw_tables_of_kpis
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.loading.appending import append, arrow_schema
from ingestion.loading.moments import LOAD_ID, LOADS, finished_loads
from ingestion.optional import optional
from ingestion.paths import CompanyPaths
from ingestion.warehouse.duckdb_sql import one_row, register, workbench
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

MEMORY = "2GB"
"""What the workbench may hold in memory; the rest waits on disk. A replay has its own beside it."""


@dataclass(frozen=True)
class Basis:
    """The publication that a run's numbers are compared with; its moments are UTC without zone."""

    run_id: str
    as_of: dt.datetime
    known_at: dt.datetime
    definitions_hash: str


def keep_ledger(run: PipelineRun, manifest: Mapping[str, Any]) -> dict[str, int]:
    """Enter the last publication into the history, and take its numbers apart from this run's.

    A run for another moment has a history of its own: that of the company up to its moments.
    `manifest` is dbt's. Returns the number of new rows by table.
    """
    with _ledger(run) as ledger:
        published = _enter_publication(run, ledger)
        find_latest(run, ledger)
        if published:
            enter_numbers(run, ledger, published["run_id"], "later_events", published["as_of"])
        if basis := _basis(run, ledger):
            _take_apart(run, ledger, basis, manifest)
        new = {name: one_row(ledger, f"select count(*) from {_new(name)}")[0] for name in TABLES}
        if run.is_time_travel:
            _write_aside(run, ledger)
        else:
            _append(run, ledger, new)
    return new


@contextmanager
def _ledger(run: PipelineRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """A workbench with all publications so far, and a table for new versions of numbers."""
    warehouse = Warehouse.of(run.company)
    with workbench(run.paths.root / "spill", MEMORY) as ledger:
        ledger.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        for name, columns in TABLES.items():
            with register(ledger, "nothing", arrow_schema(columns).empty_table()):
                ledger.execute(f"create table {name} as select *, true as is_new from nothing")
        if warehouse.table_exists(HISTORY, LOADS):
            stored = warehouse.read(finished(HISTORY, "publications"))
            with register(ledger, "stored", stored):
                ledger.execute("insert into publications select *, false from stored")
        yield ledger


def _new(name: str) -> str:
    """The query for the new rows of a table, in brackets."""
    return f"(select * exclude (is_new) from {name} where is_new) as new_rows"


def _enter_publication(
    run: PipelineRun, ledger: duckdb.DuckDBPyConnection
) -> Mapping[str, Any] | None:
    """Enter what is published, once; returns its entry where it is new, its numbers taken in.

    Where it is damaged, it is left out, and that is said.
    """
    marts = CompanyPaths.of(run.company).marts
    if not marts.exists():
        return None
    entry = None
    with optional(f"{marts} cannot be read, so mart_restatements is without its numbers"):
        entry = _read(run, ledger, marts)
    if entry is None or not _is_of_warehouse(run, entry["known_at"]):
        return None
    ledger.execute("insert into publications select *, true from publication")
    return entry


def _read(
    run: PipelineRun, ledger: duckdb.DuckDBPyConnection, marts: Path
) -> Mapping[str, Any] | None:
    """Take the numbers of a published file in, and its entry, which is returned, in `publication`.

    None where it has been entered.
    """
    show_published(ledger, marts)
    try:
        ledger.execute(
            """create temporary table publication as
            select run_id, published_at, as_of, known_at, code_version, definitions_hash
            from marts.publication"""
        )
        [entry] = ledger.execute("select * from publication").to_arrow_table().to_pylist()
        entered = ledger.execute("select run_id from memory.main.publications").fetchall()
        if (entry["run_id"],) in entered:
            return None
        take_in(ledger, numbers_of(run, entry["as_of"]))
    finally:
        ledger.execute("use memory.main")
    return dict(entry)


def _is_of_warehouse(run: PipelineRun, known_at: dt.datetime) -> bool:
    """Whether the warehouse has any load of what was known; not so once it was built anew."""
    loads = " union all ".join(
        finished_loads(f"raw_{source_type}", f"<= timestamp '{known_at}'")
        for source_type in run.company.source_types
    )
    found = Warehouse.of(run.company).read(f"select 1 from ({loads}) as loads limit 1")
    return found.num_rows > 0


def _basis(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> Basis | None:
    """The last publication of a moment that this run's moments have reached."""
    found = ledger.execute(
        """select run_id, as_of, known_at, definitions_hash from publications
        where as_of <= ? and known_at <= ? order by published_at desc limit 1""",
        [run.as_of, run.known_at],
    ).fetchone()
    return Basis(*found) if found else None


def _take_apart(
    run: PipelineRun, ledger: duckdb.DuckDBPyConnection, basis: Basis, manifest: Mapping[str, Any]
) -> None:
    raw = raw_tables_of_kpis(manifest)
    news = News(basis.as_of, basis.known_at, run.known_at)
    causes: list[Cause] = []
    if basis.definitions_hash != definitions_hash(manifest):
        causes.append("definition_change")
    causes += news_since(run, news, raw)
    if causes:
        add_own(run, ledger)
    for cause, replayed in replays(run, news, raw, causes):
        with (
            replayed.batches(numbers_of(run, basis.as_of)) as numbers,
            register(ledger, "replayed", numbers),
        ):
            take_in(ledger, "select * from replayed")
        enter_numbers(run, ledger, run.run_id, cause, basis.as_of)


def _append(run: PipelineRun, ledger: duckdb.DuckDBPyConnection, new: Mapping[str, int]) -> None:
    """Append new rows to the company's history, as one load; make the tables the first time."""
    tables = {
        name: ledger.cursor().execute(f"from {_new(name)}").to_arrow_reader()
        for name, rows in new.items()
        if rows
    }
    if not tables and run.warehouse.table_exists(HISTORY, LOADS):
        return
    folder = run.paths.dlt / HISTORY
    folder.mkdir(parents=True, exist_ok=True)
    try:
        append(run.warehouse, HISTORY, TABLES, tables, folder)
    finally:
        shutil.rmtree(folder)


def _write_aside(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> None:
    """Write the whole history to the run's own warehouse."""
    import duckdb

    origin = Warehouse.of(run.company)
    has_history = origin.table_exists(HISTORY, LOADS)
    with duckdb.connect(run.warehouse.location) as connection:
        connection.execute(f"drop schema if exists {HISTORY} cascade")
        connection.execute(f"create schema {HISTORY}")
        connection.execute(f"use {HISTORY}")
        connection.execute(f"create table {LOADS} as select '1' as load_id, 0 as status")
        if has_history:
            copy_tables(origin, HISTORY, list(TABLES), connection, finished)
        for name in TABLES:
            rows = ledger.execute(f"from {_new(name)}").to_arrow_reader()
            with register(connection, "rows", rows):
                connection.execute(
                    f"insert into {name} from rows"
                    if has_history
                    else f"create table {name} as from rows"
                )
            connection.execute(f"alter table {name} add column {LOAD_ID} text default '1'")
