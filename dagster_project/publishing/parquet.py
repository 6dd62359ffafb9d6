"""The Parquet files of a publication: one per table, each written once for as long as it is true.

A table that has not changed since the last publication has that one's file: a further link to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.publication import Publication
from ingestion.paths import PARQUET
from ingestion.warehouse.duckdb_sql import literal, path_literal, quote

if TYPE_CHECKING:
    import duckdb

FORMAT = "format parquet, compression zstd, compression_level 1, write_bloom_filter false"


def export(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[str],
    folder: Path,
    last: Mapping[str, Path],
) -> None:
    """Write tables of the current schema into a new folder, one file each.

    `last` are the files of the last publication, by table.
    """
    folder.mkdir()
    for table in tables:
        target = folder / f"{table}.parquet"
        if table in last and _is_same(connection, table, last[table]):
            with suppress(OSError):
                os.link(last[table], target)
                continue
        connection.execute(f"copy {quote(table)} to {literal(target)} ({FORMAT})")


def last_files(on_show: Path, code_version: str) -> dict[str, Path]:
    """The Parquet files of a publication's folder, by table: of one that the same code has made."""
    publication = Publication.of(on_show)
    if publication is None or publication.code_version != code_version:
        return {}
    files = (on_show / PARQUET).glob("*.parquet")
    return {path.stem: path for path in files if path.is_file() and not path.is_symlink()}


def _is_same(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> bool:
    """Whether a file, all of it read, has the columns and the rows of a table, in any order."""
    import duckdb

    rows = f"read_parquet({path_literal(file)})"
    try:
        return all(
            connection.execute(sql.format(quote(table))).fetchall()
            == connection.execute(sql.format(rows)).fetchall()
            for sql in (COUNT, COLUMNS, CONTENT)
        )
    except (duckdb.Error, UnicodeDecodeError):
        return False


COUNT = "select count(*) from {}"
COLUMNS = "select column_name, column_type from (describe from {})"
CONTENT = "select sum(hash(record)), bit_xor(hash(record)) from {} as record"
