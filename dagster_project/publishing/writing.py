"""Writing a publication: copied, closed, opened again and compared before readers see any of it.

On DuckDB the build has its marts in a file of its own: a publication is a copy of that file, with
what only a publication has.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.publication.manifest import (
    MANIFEST,
    MARTS,
    NOT_AS_PARQUET,
    Publication,
    PublicationError,
)
from dagster_project.publication.publications import new_folder, show, tidy
from dagster_project.publication.reading import count, defect, size_of
from dagster_project.publishing.dictionary import dictionary
from dagster_project.publishing.inputs import inputs
from dagster_project.publishing.parquet import export, last_files
from dagster_project.run.copying import copy_database, copy_tables
from dagster_project.run.dbt_manifest import (
    MODEL,
    MartTable,
    definitions_hash,
    mart_tables,
    metrics,
)
from dagster_project.run.dbt_project import DbtProject
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.recipe import code_version, recipe_hash
from ingestion.disk.links import sync
from ingestion.disk.private import open_to_all
from ingestion.errors import first_line
from ingestion.paths import PARQUET, PUBLISHED_FILE, write_ahead_log
from ingestion.warehouse.duckdb_sql import literal, quote, workbench

if TYPE_CHECKING:
    import duckdb

DICTIONARY = "kpis.md"


def publish(run: PipelineRun, manifest: Mapping[str, Any]) -> Publication:
    """Publish every table of the schema `marts` as a DuckDB file and, but for receipts, as Parquet.

    The file shows each metric as a view, too.

    Raises PublicationError unless this run itself has built all models and passed all audits, and
    where what was written is not whole; what was published before then stays. What fails after the
    link was swapped finds the run published: `run.publication` is set with it.
    """
    import duckdb

    _require_audited(run)
    before = run.paths.published.resolve()
    try:
        folder = new_folder(run.paths, run.run_id)
        publication = _write(run, manifest, folder)
        _explain_own(run, manifest, folder)
        _close(folder, publication)
        show(run.paths, folder)
        run.publication = publication
    except (OSError, duckdb.Error) as error:
        raise PublicationError(
            f"{run.paths.publications / run.run_id}: the publication could not be written "
            f"({first_line(error)}); mend that, such as by making room on the disk, and run again. "
            "What was published before has not changed"
        ) from error
    finally:
        tidy(run.paths, before)
    return publication


def _require_audited(run: PipelineRun) -> None:
    missing = [
        what
        for what, is_done in (
            ("built", run.is_built),
            ("audited (raw)", "raw" in run.audits),
            ("audited (marts)", "marts" in run.audits),
        )
        if not is_done
    ]
    if missing:
        raise PublicationError(
            f"this run has not {' or '.join(missing)} the marts that it would publish; "
            "materialize everything, or launch the job 'daily'"
        )
    failed = [f"{one.table} {one.name}" for audit in run.audits.values() for one in audit.failures]
    if failed:
        raise PublicationError(f"the audit failed: {', '.join(failed)}")


def _write(run: PipelineRun, manifest: Mapping[str, Any], folder: Path) -> Publication:
    """Write the DuckDB file and the Parquet files into a publication's folder."""
    tables = mart_tables(manifest)
    file = folder / PUBLISHED_FILE
    if run.warehouse.name == "duckdb":
        copy_database(run.warehouse.marts, file)
    with workbench(run.paths.root / "spill") as connection:
        connection.execute(f"attach {literal(file)} as aside")
        connection.execute(f"create schema if not exists aside.{MARTS}")
        connection.execute(f"use aside.{MARTS}")
        if run.warehouse.name == "duckdb":
            _drop_unpublished(connection, tables)
        else:
            copy_tables(run.warehouse, MARTS, [table.name for table in tables], connection)
        with _transaction(connection):
            connection.execute(";".join(_comments(tables)))
            _show_metrics(connection, manifest)
        row_counts = {table.name: count(connection, table.name) for table in tables}
        publication = _publication(run, manifest, row_counts)
        _write_manifest(connection, publication)
        exported = [name for name in row_counts if name not in NOT_AS_PARQUET]
        last = last_files(run.paths.published.resolve(), publication.code_version)
        export(connection, [*exported, "publication"], folder / PARQUET, last)
        _put_into_file(connection)
    return publication


def _drop_unpublished(connection: duckdb.DuckDBPyConnection, tables: Iterable[MartTable]) -> None:
    """Drop whatever is in the copy and is no table to publish."""
    schemas = connection.execute(
        "select schema_name from duckdb_schemas() "
        "where database_name = 'aside' and not internal and schema_name <> ?",
        [MARTS],
    ).fetchall()
    for (schema,) in schemas:
        connection.execute(f"drop schema aside.{quote(schema)} cascade")
    built = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'aside'"
    ).fetchall()
    for name in {name for (name,) in built} - {table.name for table in tables}:
        connection.execute(f"drop table {quote(name)}")


def _publication(
    run: PipelineRun, manifest: Mapping[str, Any], row_counts: Mapping[str, int]
) -> Publication:
    return Publication(
        run_id=run.run_id,
        company=run.company.name,
        published_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
        as_of=run.as_of,
        known_at=run.known_at,
        code_version=code_version(),
        definitions_hash=definitions_hash(manifest),
        recipe_hash=recipe_hash(run.company),
        row_counts=row_counts,
        inputs=inputs(run),
    )


def _put_into_file(connection: duckdb.DuckDBPyConnection) -> None:
    """Have DuckDB write out all that it holds; closing alone would hide that it could not."""
    connection.execute("use memory")
    connection.execute("checkpoint aside")
    connection.execute("detach aside")


def _explain_own(run: PipelineRun, manifest: Mapping[str, Any], folder: Path) -> None:
    """The dictionary of a company that has KPIs of its own: of those, and of the product's."""
    if run.company.extension.metrics:
        own = DbtProject(run.company).origin

        def sql(file: str) -> str:
            return f"`{own(file) or Path(file).name}`"

        page = dictionary(manifest, f"the run {run.run_id}", sql)
        (folder / DICTIONARY).write_text(page, encoding="utf-8")


def _close(folder: Path, publication: Publication) -> None:
    """Put the manifest beside the files, on disk; then open them anew and compare.

    Raises PublicationError where anything is missing.
    """
    _fill_up(folder / PUBLISHED_FILE)
    (folder / MANIFEST).write_text(publication.as_json() + "\n", encoding="utf-8")
    open_to_all(folder)
    sync(*(path for path in folder.rglob("*")), folder, folder.parent)
    log = write_ahead_log(folder / PUBLISHED_FILE)
    if found := f"{log.name} was left" if log.exists() else defect(folder):
        raise PublicationError(
            f"{folder}: what was written is not whole ({found}), as on a disk that is full; "
            "make room and run again. What was published before has not changed"
        )


def _fill_up(file: Path) -> None:
    """Give a file the size that it has of its own account, by which one that is cut short is told.

    DuckDB leaves out free blocks at the end, and counts them.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(file)} as written (read_only)")
        size = size_of(connection, "written")
    os.truncate(file, max(size, file.stat().st_size))


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One commit for many small statements."""
    connection.begin()
    yield
    connection.commit()


def _show_metrics(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
    """Each metric's rows of `kpi_values` as a view of its own, `kpi_<metric>`."""
    for metric in metrics(manifest):
        name, description = f'"kpi_{metric}"', manifest["nodes"][f"{MODEL}{metric}"]["description"]
        connection.execute(
            f"create view {name} as select * from kpi_values where metric = {literal(metric)}"
        )
        connection.execute(f"comment on view {name} is {literal(description)}")


def _comments(tables: Iterable[MartTable]) -> Iterator[str]:
    """The statements that have tables and columns carry their descriptions."""
    for table in tables:
        name = quote(table.name)
        yield f"comment on table {name} is {literal(table.description)}"
        for column, description in table.columns.items():
            yield f"comment on column {name}.{quote(column)} is {literal(description)}"


def _write_manifest(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """The manifest as the one row of `marts.publication`, its nested parts as JSON text."""
    connection.execute(
        """create table publication (
            run_id varchar, company varchar, published_at timestamp, as_of timestamp,
            known_at timestamp, code_version varchar, definitions_hash varchar,
            recipe_hash varchar, row_counts varchar, inputs varchar)"""
    )
    values = asdict(publication)
    nested = {name: json.dumps(values[name], default=str) for name in ("row_counts", "inputs")}
    connection.execute(
        "insert into publication values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        list({**values, **nested}.values()),
    )
