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

from dagster_project.publication import open_published
from dagster_project.publishing.replay import Cause, News, news_since, replays
from dagster_project.run.dbt_manifest import definitions_hash, raw_tables_of_kpis
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.contract.columns import Column
from ingestion.loading.appending import append, arrow_schema
from ingestion.loading.moments import LOAD_ID, LOADS, finished_loads
from ingestion.optional import optional
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

HISTORY = "history"
KEY = ("metric", "variant", "period_grain", "period_start", "dimension", "dimension_key")
STEPS: Mapping[Cause, int] = {
    "definition_change": 1,
    "late_facts": 2,
    "corrections": 3,
    "later_events": 4,
}

TABLES: Mapping[str, tuple[Column, ...]] = {
    "publications": (
        Column("run_id", "text", "The run that published."),
        Column("published_at", "timestamp", "When it did (UTC)."),
        Column("as_of", "timestamp", "Its business moment (UTC)."),
        Column("known_at", "timestamp", "Its knowledge moment (UTC)."),
        Column("code_version", "text", "The code that made it."),
        Column("definitions_hash", "text", "Hash of the definitions of all models."),
    ),
    "kpi_versions": (
        Column("run_id", "text", "The run whose number it is; it counts when that was published."),
        Column("step", "integer", "Order of the versions of one run."),
        Column("cause", "text", "Why the number differs from the version before."),
        Column("metric", "text", "As in kpi_values."),
        Column("variant", "text", "As in kpi_values."),
        Column("period_grain", "text", "As in kpi_values."),
        Column("period_start", "date", "As in kpi_values."),
        Column("dimension", "text", "As in kpi_values."),
        Column("dimension_key", "text", "As in kpi_values."),
        Column("dimension_label", "text", "As in kpi_values."),
        Column("unit", "text", "As in kpi_values."),
        Column("is_additive", "boolean", "Whether no row means 0."),
        Column("value", "number", "The number."),
        Column("n_included", "integer", "Records behind it."),
    ),
}


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
        _enter_publication(run, ledger)
        if basis := _basis(run, ledger):
            _take_apart(run, ledger, basis, manifest)
        new = {name: _rows(ledger, name, "where is_new") for name in TABLES}
        if run.is_time_travel:
            _write_aside(run, ledger)
        else:
            _append(run, new)
    return {name: rows.num_rows for name, rows in new.items()}


@contextmanager
def _ledger(run: PipelineRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """The history so far, in memory."""
    import duckdb

    warehouse = Warehouse.of(run.company)
    with duckdb.connect() as ledger:
        with warehouse.kept_open():
            has_history = warehouse.table_exists(HISTORY, LOADS)
            for name, columns in TABLES.items():
                listed = ", ".join(column.name for column in columns)
                rows = (
                    warehouse.read(
                        f"""select {listed} from {HISTORY}.{name} where {LOAD_ID} in (
                            {finished_loads(HISTORY)})"""
                    ).cast(arrow_schema(columns))
                    if has_history
                    else arrow_schema(columns).empty_table()
                )
                ledger.register("stored", rows)
                ledger.execute(f"create table {name} as select *, false as is_new from stored")
                ledger.unregister("stored")
        yield ledger


def _enter_publication(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> None:
    """Enter what is published, once; where it is damaged, it is left out, and that is said."""
    marts = CompanyPaths.of(run.company).marts
    if not marts.exists():
        return
    read = None
    with optional(f"{marts} cannot be read, so mart_restatements is without its numbers"):
        read = _read(marts)
    if read is None:
        return
    publication, numbers = read
    [entry] = publication.to_pylist()
    entered = ledger.execute("select run_id from publications").fetchall()
    if (entry["run_id"],) in entered or not _is_of_warehouse(run, entry["known_at"]):
        return
    ledger.register("publication", publication)
    ledger.execute("insert into publications select *, true from publication")
    ledger.unregister("publication")
    _enter_numbers(run, ledger, numbers, entry["run_id"], "later_events", entry["as_of"])


def _read(marts: Path) -> tuple[pa.Table, pa.Table]:
    """Of a published file, its entry in `publications`, a row, and all numbers."""
    with open_published(marts) as published:
        publication = published.execute(
            "select run_id, published_at, as_of, known_at, code_version, definitions_hash "
            "from marts.publication"
        ).to_arrow_table()
        return publication, published.execute("select * from marts.kpi_values").to_arrow_table()


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
    for cause, numbers in replays(run, news, raw, causes):
        _enter_numbers(run, ledger, numbers, run.run_id, cause, basis.as_of)


def _enter_numbers(
    run: PipelineRun,
    ledger: duckdb.DuckDBPyConnection,
    numbers: pa.Table,
    run_id: str,
    cause: Cause,
    as_of: dt.datetime,
) -> None:
    """Enter those numbers of periods ended by a moment that differ from their last version.

    A number that is gone is 0 where it is additive, else missing.
    """
    today = run.company.local(as_of).date()
    ledger.register("numbers", numbers)
    ledger.execute(
        f"""
        insert into kpi_versions
        with
            ended as (
                select
                    *,
                    cast(value as decimal(28, 10)) as number,
                    count(numerator) over metrics > 0 and count(denominator) over metrics = 0
                        as is_sum
                from numbers
                where {_ended()}
                window metrics as (partition by metric, variant)
            ),
            runs as (
                select run_id, row_number() over (order by published_at) as run_number
                from publications
                union
                select $run_id, 1 + (select count(*) from publications)
                where $run_id not in (select run_id from publications)
            ),
            latest as (
                select versions.*
                from kpi_versions as versions
                inner join runs on versions.run_id = runs.run_id
                where {_ended()}
                qualify row_number() over (
                    partition by {", ".join(KEY)} order by run_number desc, step desc
                ) = 1
            )
        select
            $run_id,
            $step,
            $cause,
            {", ".join(f"coalesce(ended.{name}, latest.{name})" for name in KEY)},
            coalesce(ended.dimension_label, latest.dimension_label),
            coalesce(ended.unit, latest.unit),
            coalesce(ended.is_sum, latest.is_additive) as is_additive,
            case when ended.metric is null and latest.is_additive then 0 else ended.number end,
            coalesce(ended.n_included, 0),
            true
        from ended
        full join latest on {" and ".join(f"ended.{name} = latest.{name}" for name in KEY)}
        where
            latest.metric is null
            or (ended.metric is null and latest.n_included > 0)
            or (ended.metric is not null and ended.number is distinct from latest.value)
            or (ended.metric is not null and ended.n_included is distinct from latest.n_included)
        """,
        {"run_id": run_id, "step": STEPS[cause], "cause": cause, "today": today},
    )
    ledger.unregister("numbers")


def _ended() -> str:
    return """
        period_grain <> 'all'
        and period_start + case
            period_grain
            when 'week' then interval 7 day
            when 'month' then interval 1 month
            when 'quarter' then interval 3 month
            else interval 12 month
        end <= $today"""


def _rows(ledger: duckdb.DuckDBPyConnection, name: str, where: str = "") -> pa.Table:
    return ledger.execute(f"select * exclude (is_new) from {name} {where}").to_arrow_table()


def _append(run: PipelineRun, new: Mapping[str, pa.Table]) -> None:
    """Append new rows to the company's history, as one load; make the tables the first time."""
    tables = {name: rows.to_batches() for name, rows in new.items() if rows.num_rows}
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

    with duckdb.connect(run.warehouse.location) as connection:
        connection.execute(f"drop schema if exists {HISTORY} cascade")
        connection.execute(f"create schema {HISTORY}")
        connection.execute(f"use {HISTORY}")
        connection.execute(f"create table {LOADS} as select '1' as load_id, 0 as status")
        for name in TABLES:
            connection.register("rows", _rows(ledger, name))
            connection.execute(f"create table {name} as select *, '1' as {LOAD_ID} from rows")
            connection.unregister("rows")
