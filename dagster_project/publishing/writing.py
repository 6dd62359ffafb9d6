"""Writing a publication: copied, closed, opened again and compared before readers see any of it.

On DuckDB the build has its marts in a file of its own: a publication is a copy of that file, with
what only a publication has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.dashboard.pages import write_pages
from dagster_project.publication.manifest import (
    MANIFEST,
    MARTS,
    NOT_AS_PARQUET,
    PEOPLE,
    Publication,
    PublicationError,
)
from dagster_project.publication.publications import (
    close_earlier,
    new_folder,
    permit_people,
    show,
    tidy,
)
from dagster_project.publication.reading import count, defect
from dagster_project.publishing.dictionary import dictionary
from dagster_project.publishing.files import comments, fill_up, put_into_files, tell, transaction
from dagster_project.publishing.inputs import inputs
from dagster_project.publishing.parquet import export, last_files
from dagster_project.run.copying import copy_database, copy_tables
from dagster_project.run.dbt_manifest import (
    MODEL,
    MartTable,
    definitions_hash,
    mart_tables,
    metrics,
    people_tables,
)
from dagster_project.run.dbt_project import DbtProject
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.recipe import code_version, recipe_hash
from ingestion.disk.links import sync
from ingestion.disk.private import OTHERS, open_to_all, umask
from ingestion.errors import first_line
from ingestion.paths import PARQUET, PEOPLE_DASHBOARD, PEOPLE_FILE, PUBLISHED_FILE, write_ahead_log
from ingestion.warehouse.duckdb_sql import literal, quote, workbench

if TYPE_CHECKING:
    import duckdb

DICTIONARY = "kpis.md"
FILES = (PUBLISHED_FILE, PEOPLE_FILE)
PEOPLE_MODES: Mapping[str, int] = {"owner": 0o600, "group": 0o640, "all": 0o644}
"""Who may open the file of what is about single people, by what company.yml says."""


def publish(run: PipelineRun, manifest: Mapping[str, Any]) -> Publication:
    """Publish every table of the schema `marts` as a DuckDB file and, but for receipts, as Parquet.

    The file shows each metric as a view, too. What is about single people is in a DuckDB file of
    its own, and in nothing else.

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
        write_pages(folder, run.company)
        _close(folder, publication, PEOPLE_MODES[run.company.audience.people])
        show(run.paths, folder)
        run.publication = publication
        close_earlier(run.paths, publication, PEOPLE_MODES[run.company.audience.people])
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
    """Write the DuckDB files and the Parquet files into a publication's folder."""
    tables, of_people = mart_tables(manifest), people_tables(manifest)
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
        with transaction(connection):
            connection.execute(";".join(comments(tables)))
            _show_metrics(connection, manifest)
        row_counts = {table.name: count(connection, table.name) for table in tables}
        people_row_counts = _write_people(run, of_people, connection, folder)
        publication = _publication(run, manifest, row_counts, people_row_counts)
        connection.execute(f"use aside.{MARTS}")
        tell(connection, publication, row_counts)
        exported = [name for name in row_counts if name not in NOT_AS_PARQUET]
        last = last_files(run.paths.published.resolve(), publication.code_version)
        export(connection, [*exported, "publication"], folder / PARQUET, last)
        put_into_files(connection, "aside")
        if of_people:
            connection.execute(f"use {PEOPLE}.{MARTS}")
            tell(connection, publication, people_row_counts)
            put_into_files(connection, PEOPLE)
    return publication


def _write_people(
    run: PipelineRun,
    tables: Sequence[MartTable],
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
) -> dict[str, int]:
    """Write the file of what is about single people, which nobody else may open; its rows by table.

    It is written anew: nothing of it was ever in a file that others read.
    """
    if not tables:
        return {}
    with umask(OTHERS):
        connection.execute(f"attach {literal(folder / PEOPLE_FILE)} as {PEOPLE}")
        connection.execute(f"create schema {PEOPLE}.{MARTS}")
    connection.execute(f"use {PEOPLE}.{MARTS}")
    copy_tables(run.warehouse, PEOPLE, [table.name for table in tables], connection)
    with transaction(connection):
        connection.execute(";".join(comments(tables)))
    return {table.name: count(connection, table.name) for table in tables}


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
    run: PipelineRun,
    manifest: Mapping[str, Any],
    row_counts: Mapping[str, int],
    people_row_counts: Mapping[str, int],
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
        people_row_counts=people_row_counts,
        reps=run.company.audience.reps,
    )


def _explain_own(run: PipelineRun, manifest: Mapping[str, Any], folder: Path) -> None:
    """The dictionary of a company that has KPIs of its own: of those, and of the product's."""
    if run.company.extension.metrics:
        own = DbtProject(run.company).origin

        def sql(file: str) -> str:
            return f"`{own(file) or Path(file).name}`"

        page = dictionary(manifest, f"the run {run.run_id}", sql)
        (folder / DICTIONARY).write_text(page, encoding="utf-8")


def _close(folder: Path, publication: Publication, people_mode: int) -> None:
    """Put the manifest beside the files, on disk; then open them anew and compare.

    `people_mode` says whom the file of single people is for. Raises PublicationError where anything
    is missing.
    """
    files = [file for name in FILES if (file := folder / name).exists()]
    for file in files:
        fill_up(file)
    (folder / MANIFEST).write_text(publication.as_json() + "\n", encoding="utf-8")
    open_to_all(folder, apart=frozenset({PEOPLE_FILE, PEOPLE_DASHBOARD}))
    permit_people(folder, people_mode)
    sync(*(path for path in folder.rglob("*")), folder, folder.parent)
    logs = [log.name for file in files if (log := write_ahead_log(file)).exists()]
    if found := f"{logs[0]} was left" if logs else defect(folder):
        raise PublicationError(
            f"{folder}: what was written is not whole ({found}), as on a disk that is full; "
            "make room and run again. What was published before has not changed"
        )


def _show_metrics(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
    """Each metric's rows of `kpi_values` as a view of its own, `kpi_<metric>`."""
    for metric in metrics(manifest):
        name, description = f'"kpi_{metric}"', manifest["nodes"][f"{MODEL}{metric}"]["description"]
        connection.execute(
            f"create view {name} as select * from kpi_values where metric = {literal(metric)}"
        )
        connection.execute(f"comment on view {name} is {literal(description)}")
