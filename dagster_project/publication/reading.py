"""Reading what was published: always as it was published, of one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.publication.manifest import MARTS, NOT_AS_PARQUET, Publication
from ingestion.errors import first_line
from ingestion.paths import PARQUET, PEOPLE_FILE, PUBLISHED_FILE, write_ahead_log
from ingestion.warehouse.duckdb_sql import literal, one_row, path_literal, quote

HEADERS = 3 * 4096
"""The bytes of a DuckDB file before its blocks."""

if TYPE_CHECKING:
    import duckdb


@contextmanager
def open_published(marts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reader of a published file, in which `marts.<table>` finds the tables.

    It stays with the publication that it began with. A tool that holds the file open to write lets
    nobody else in, one that died leaves writes of its own beside it, which DuckDB would take for
    published, and a file can be damaged: the Parquet files of the same publication are read then.
    Raises duckdb.Error where there are none, as of what is about single people.
    """
    import duckdb

    with duckdb.connect() as connection, _damage_told(marts):
        show_published(connection, marts)
        yield connection


def show_published(connection: duckdb.DuckDBPyConnection, marts: Path) -> None:
    """Have `marts.<table>` find the tables of a published file, as `open_published` does.

    The connection is to a database in memory, which shows one publication in its life.
    """
    import duckdb

    marts = marts.resolve()
    parquet = marts.with_name(PARQUET).resolve()
    has_parquet = marts.name != PEOPLE_FILE and parquet.is_dir()
    try:
        _attach(connection, marts)
    except (duckdb.Error, UnicodeDecodeError):
        if not has_parquet:
            raise
        _show_exported(connection, parquet)


@contextmanager
def _damage_told(file: Path) -> Iterator[None]:
    """What is damaged can have DuckDB quote bytes that are no text."""
    import duckdb

    try:
        yield
    except UnicodeDecodeError as error:
        raise duckdb.IOException(f"{file}: damaged") from error


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Show a published file's tables; raises duckdb.Error where it is not as it was published."""
    import duckdb

    if write_ahead_log(file).exists():
        raise duckdb.IOException(f"{file}: a tool has left writes of its own beside it")
    connection.execute(f"attach {literal(file)} as published (read_only)")
    connection.execute("use published")
    if size_of(connection, "published") != file.stat().st_size:
        raise duckdb.IOException(f"{file}: cut short")
    found = connection.execute(
        "select 1 from duckdb_schemas() where (database_name, schema_name) = ('published', ?)",
        [MARTS],
    )
    if not found.fetchall():
        raise duckdb.CatalogException(f"{file}: it has no schema {MARTS}")


def size_of(connection: duckdb.DuckDBPyConnection, database: str) -> int:
    """The bytes that an attached file has of its own account."""
    [(blocks,)] = connection.execute(
        "select total_blocks * block_size from pragma_database_size() where database_name = ?",
        [database],
    ).fetchall()
    return HEADERS + blocks


def _show_exported(connection: duckdb.DuckDBPyConnection, parquet: Path) -> None:
    """Show the Parquet files of a publication as the tables of the schema `marts`."""
    connection.execute("use memory")
    connection.execute(f"create schema {MARTS}")
    for path in parquet.glob("*.parquet"):
        rows = f"read_parquet({path_literal(path)})"
        connection.execute(f"create view {MARTS}.{quote(path.stem)} as from {rows}")


def defect(folder: Path) -> str | None:
    """What a publication's folder lacks to be whole; None when nothing.

    Whole is: its file, opened anew, and its Parquet files have the rows that its manifest says.
    Earlier versions had more of these.
    """
    import duckdb

    publication = Publication.of(folder)
    if publication is None:
        return "there is no manifest that can be read"
    counts, of_people = dict(publication.row_counts), dict(publication.people_row_counts)
    files = {PUBLISHED_FILE: counts, **({PEOPLE_FILE: of_people} if of_people else {})}
    try:
        for name, wanted in files.items():
            run_ids, found = _content((folder / name).resolve(), wanted)
            if run_ids != [publication.run_id]:
                return f"{name} and the manifest are of two runs"
            if lack := _difference(wanted, found):
                return lack
        exported_files = _exported(folder / PARQUET)
    except duckdb.Error as error:
        return first_line(error)
    exported = {Path(name).stem: rows for name, rows in exported_files}
    as_parquet = {
        name: rows
        for name, rows in counts.items()
        if name in exported or name not in NOT_AS_PARQUET
    }
    return _difference({**as_parquet, "publication": 1}, exported)


def _content(file: Path, tables: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Whose a file says it is, and the rows of its tables."""
    import duckdb

    with duckdb.connect() as connection, _damage_told(file):
        _attach(connection, file)
        connection.execute(f"use {MARTS}")
        run_ids = connection.execute("select run_id from publication").fetchall()
        return [run_id for (run_id,) in run_ids], {name: count(connection, name) for name in tables}


def _exported(folder: Path) -> list[tuple[str, int]]:
    """The Parquet files of a folder with their rows."""
    import duckdb

    with duckdb.connect() as connection:
        return connection.execute(
            "select file_name, num_rows from parquet_file_metadata(?)", [str(folder / "*.parquet")]
        ).fetchall()


def _difference(wanted: dict[str, int], found: dict[str, int]) -> str | None:
    return next(
        (
            f"{name} has {found.get(name, 0):,} rows instead of {wanted.get(name, 0):,}"
            for name in sorted(wanted.keys() | found.keys())
            if wanted.get(name) != found.get(name)
        ),
        None,
    )


def in_place(folder: Path) -> Publication | None:
    """The publication in a folder; None unless all of it is there, whole."""
    return None if defect(folder) else Publication.of(folder)


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """The rows of a table of the current schema."""
    return one_row(connection, f"select count(*) from {quote(table)}")[0]
