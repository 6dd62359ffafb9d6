"""Publication: what BI tools read, built aside and put in place by atomic renames.

Readers always see one whole publication: who has the old files open keeps reading them, and who
opens them anew gets the new ones. `marts.duckdb` carries its manifest in the table
`marts.publication`, so numbers and provenance cannot part.

DuckDB names a database after its file, so in `marts.duckdb` a table's full name is
`marts.marts.<table>`: database, schema, table. `open_published` opens it under another name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.pipeline_run import PipelineRun, now
from dagster_project.recipe import code_version, recipe_hash
from ingestion.duckdb_sql import workbench
from ingestion.errors import SalesopsError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

MARTS = "marts"


class PublicationError(SalesopsError):
    """What was built may not be published."""


@dataclass(frozen=True)
class Publication:
    """The manifest: which run published what, made by which code from which inputs.

    Moments are UTC without zone. `recipe_hash` is of the code and the company's file. `row_counts`
    is by table; `inputs` are the exports that the numbers rest on: source, entity, rows, and the
    hash of files, mapping and contract.
    """

    run_id: str
    company: str
    published_at: dt.datetime
    as_of: dt.datetime
    known_at: dt.datetime
    code_version: str
    definitions_hash: str
    recipe_hash: str
    row_counts: Mapping[str, int]
    inputs: tuple[Mapping[str, Any], ...]

    def as_json(self) -> str:
        """The manifest as a JSON object."""
        return json.dumps(asdict(self), default=str, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Publication:
        """The manifest that a JSON object tells; raises ValueError or TypeError at another."""
        told = json.loads(text)
        moments = ("published_at", "as_of", "known_at")
        return cls(**told | {name: dt.datetime.fromisoformat(told[name]) for name in moments})


@dataclass(frozen=True)
class MartTable:
    """A table to publish, with the descriptions that it and its columns carry."""

    name: str
    description: str
    columns: Mapping[str, str]


def mart_tables(manifest: Mapping[str, Any]) -> list[MartTable]:
    """The tables of the schema `marts`, by name, from dbt's manifest."""
    found = [
        MartTable(
            node["alias"],
            node["description"],
            {column["name"]: column["description"] for column in node["columns"].values()},
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed") and node["schema"] == MARTS
    ]
    return sorted(found, key=lambda table: table.name)


def definitions_hash(manifest: Mapping[str, Any]) -> str:
    """Hash of all models, seeds and macros: equal hashes, equal definitions of every number."""
    digest = hashlib.sha256()
    for macro_id, macro in sorted(manifest["macros"].items()):
        if macro["package_name"] == "salesops":
            digest.update(f"{macro_id}\0{macro['macro_sql']}\0".encode())
    for node_id, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] in ("model", "seed"):
            digest.update(f"{node_id}\0{node['checksum']['checksum']}\0".encode())
    return digest.hexdigest()


def publish(run: PipelineRun, manifest: Mapping[str, Any]) -> Publication:
    """Publish every table of the schema `marts` as a DuckDB file and as Parquet.

    Raises PublicationError unless this run itself has built all models and passed all audits.
    """
    _require_audited(run)
    folder = run.paths.published
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    aside = folder / f"marts.duckdb.{run.run_id}.tmp"
    parquet = folder / f"parquet.{run.run_id}"
    parquet.mkdir()
    tables = mart_tables(manifest)
    publication = _write(run, manifest, tables, aside, parquet)
    _sync(aside, *parquet.iterdir(), parquet)
    _put_in_place(folder, aside, parquet, publication)
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


def _write(
    run: PipelineRun,
    manifest: Mapping[str, Any],
    tables: list[MartTable],
    aside: Path,
    parquet: Path,
) -> Publication:
    with workbench(run.paths.root / "spill") as connection:
        connection.execute(f"attach {_quoted(str(aside))} as aside")
        connection.execute(f"create schema aside.{MARTS}")
        connection.execute(f"use aside.{MARTS}")
        copy_tables(run.warehouse, MARTS, [table.name for table in tables], connection)
        with _transaction(connection):
            for table in tables:
                _describe(connection, table)
        publication = Publication(
            run_id=run.run_id,
            company=run.company.name,
            published_at=now(),
            as_of=run.as_of,
            known_at=run.known_at,
            code_version=code_version(),
            definitions_hash=definitions_hash(manifest),
            recipe_hash=recipe_hash(run.company),
            row_counts={table.name: _count(connection, table.name) for table in tables},
            inputs=inputs(run),
        )
        _write_manifest(connection, publication)
        for name in [*publication.row_counts, "publication"]:
            target = _quoted(str(parquet / f"{name}.parquet"))
            connection.execute(f'copy "{name}" to {target} (format parquet, compression zstd)')
    return publication


@contextmanager
def open_published(marts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reader of a published file, in which `marts.<table>` finds the tables.

    A tool that holds the file open to write lets nobody else in: the Parquet files of the same
    publication are read then.
    """
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {_quoted(str(marts))} as published (read_only)")
            connection.execute("use published")
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            _show_exported(connection, (marts.parent / "parquet").resolve())
        yield connection


def _show_exported(connection: duckdb.DuckDBPyConnection, parquet: Path) -> None:
    """Show the Parquet files of a publication as the tables of the schema `marts`."""
    connection.execute(f"create schema {MARTS}")
    for path in parquet.glob("*.parquet"):
        rows = f"read_parquet({_quoted(str(path))})"
        connection.execute(f'create view {MARTS}."{path.stem}" as from {rows}')


def in_place(folder: Path) -> Publication | None:
    """The publication in a folder of published files; None unless all of it is there, whole."""
    import duckdb

    try:
        publication = Publication.from_json((folder / "manifest.json").read_text(encoding="utf-8"))
        counts = dict(publication.row_counts)
        with open_published(folder / "marts.duckdb") as connection:
            connection.execute(f"use {MARTS}")
            found = connection.execute("select run_id from publication").fetchall()
            tables = {name: _count(connection, name) for name in counts}
            files = connection.execute(
                "select file_name, num_rows from parquet_file_metadata(?)",
                [str(folder / "parquet" / "*.parquet")],
            ).fetchall()
    except (OSError, ValueError, TypeError, KeyError, duckdb.Error):
        return None
    exported = {Path(name).stem: rows for name, rows in files}
    is_whole = found == [(publication.run_id,)] and tables == counts
    return publication if is_whole and exported == {**counts, "publication": 1} else None


def everything(schema: str, table: str) -> str:
    """All rows of a table."""
    return f'select * from {schema}."{table}"'


def copy_tables(
    warehouse: Warehouse,
    schema: str,
    tables: list[str],
    into: duckdb.DuckDBPyConnection,
    rows: Callable[[str, str], str] = everything,
) -> None:
    """Copy tables of a warehouse's schema into the current schema of a DuckDB connection.

    `rows` is the query for the rows to copy, given the schema as the query must name it.
    """
    if warehouse.name == "duckdb":
        into.execute(f"attach {_quoted(warehouse.location)} as origin (read_only)")
    for table in tables:
        if warehouse.name == "duckdb":
            into.execute(f'create table "{table}" as {rows(f"origin.{schema}", table)}')
        else:
            into.register("rows_to_copy", warehouse.read(rows(schema, table)))
            into.execute(f'create table "{table}" as from rows_to_copy')
            into.unregister("rows_to_copy")
    if warehouse.name == "duckdb":
        into.execute("detach origin")


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One commit for many small statements."""
    connection.begin()
    yield
    connection.commit()


def _describe(connection: duckdb.DuckDBPyConnection, table: MartTable) -> None:
    name = f'"{table.name}"'
    connection.execute(f"comment on table {name} is {_quoted(table.description)}")
    for column, description in table.columns.items():
        connection.execute(f'comment on column {name}."{column}" is {_quoted(description)}')


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f'select count(*) from "{table}"').fetchone()
    assert row is not None
    return row[0]


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


def inputs(run: PipelineRun) -> tuple[Mapping[str, Any], ...]:
    """The last export of each entity that was known, with the hash of its inputs."""
    found = []
    for source_type in run.company.source_types:
        dataset = f"raw_{source_type}"
        rows = run.warehouse.read(
            f"""with known as (
                select
                    exports.*,
                    row_number() over (
                        partition by source_instance, entity
                        order by loads.inserted_at desc, exports._dlt_load_id desc
                    ) as recency
                from {dataset}.exports as exports
                inner join {dataset}._dlt_loads as loads
                    on loads.load_id = exports._dlt_load_id and loads.status = 0
                where cast(loads.inserted_at as timestamp) <= ?
            )
            select source_instance, entity, fingerprint, files, rows, extracted_at
            from known where recency = 1
            order by source_instance, entity""",
            [run.known_at],
        )
        for row in rows.to_pylist():
            found.append({"source_type": source_type, **row, "files": json.loads(row["files"])})
    return tuple(found)


def _put_in_place(folder: Path, aside: Path, parquet: Path, publication: Publication) -> None:
    """Rename what was written aside over what was published; each rename is atomic.

    What a tool has written into its own copy, and DuckDB has not yet put into the file, is beside
    it: DuckDB would put it into the new one.
    """
    link = folder / f"parquet.{publication.run_id}.tmp"
    link.symlink_to(parquet.name)
    listing = folder / f"manifest.json.{publication.run_id}.tmp"
    listing.write_text(publication.as_json() + "\n", encoding="utf-8")
    _sync(listing)
    (folder / "marts.duckdb.wal").unlink(missing_ok=True)
    aside.replace(folder / "marts.duckdb")
    link.replace(folder / "parquet")
    listing.replace(folder / "manifest.json")
    _sync(folder)


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed runs have left, and Parquet folders that have been replaced."""
    current = (folder / "parquet").resolve()
    for path in folder.iterdir():
        if path.name.startswith("parquet.") and path.is_dir() and not path.is_symlink():
            if path.resolve() != current:
                shutil.rmtree(path)
        elif ".tmp" in path.name:
            path.unlink()


def _sync(*paths: Path) -> None:
    """Make sure that files or folders are on disk before they are relied on."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
