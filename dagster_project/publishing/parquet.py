"""The Parquet files of a publication: one per table, each written once for as long as it is true.

A table that has not changed since the last publication has that one's file: a further link to it.

Each says what it holds, in metadata that readers know: `description` and, as a JSON object by name,
`columns` for any of them, and `ARROW:schema` for those that build on Arrow, in which each field has
a `description`.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections import defaultdict
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
    of_tables = dict(connection.execute(TABLE_COMMENTS).fetchall())
    of_columns = defaultdict[str, dict[str, str]](dict)
    for table, column, comment in connection.execute(COLUMN_COMMENTS).fetchall():
        of_columns[table][column] = comment
    for table in tables:
        target = folder / f"{table}.parquet"
        connection.execute(f"copy (select * from {quote(table)} where false) to {literal(target)}")
        words = _words(of_tables.get(table, ""), of_columns[table], target)
        if table in last and _is_same(connection, table, words, last[table]):
            with suppress(OSError):
                target.unlink()
                os.link(last[table], target)
                continue
        told = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in words.items())
        connection.execute(
            f"copy {quote(table)} to {literal(target)} ({FORMAT}, kv_metadata {{{told}}})"
        )


def last_files(on_show: Path, code_version: str) -> dict[str, Path]:
    """The Parquet files of a publication's folder, by table: of one that the same code has made."""
    publication = Publication.of(on_show)
    if publication is None or publication.code_version != code_version:
        return {}
    files = (on_show / PARQUET).glob("*.parquet")
    return {path.stem: path for path in files if path.is_file() and not path.is_symlink()}


def _words(description: str, columns: Mapping[str, str], file: Path) -> dict[str, str]:
    """What a table's file is to say of the table, by key.

    `file` has its columns, as Parquet has them: types of DuckDB's own, such as hugeint, are others
    there.
    """
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    words = {name: {"description": column} for name, column in columns.items()}
    fields = [field.with_metadata(words.get(field.name)) for field in read_schema(file)]
    schema = pa.schema(fields, {"description": description})
    return {
        "description": description,
        "columns": json.dumps(columns, ensure_ascii=False),
        "ARROW:schema": b64encode(schema.serialize().to_pybytes()).decode("ascii"),
    }


def _is_same(
    connection: duckdb.DuckDBPyConnection, table: str, words: Mapping[str, str], file: Path
) -> bool:
    """Whether a file, all of it read, has a table's columns, words and rows, in any order."""
    import duckdb

    rows = f"read_parquet({path_literal(file)})"
    try:
        told = connection.execute(WORDS.format(path_literal(file))).fetchall()
        return dict(told) == words and all(
            connection.execute(sql.format(quote(table))).fetchall()
            == connection.execute(sql.format(rows)).fetchall()
            for sql in (COUNT, COLUMNS, CONTENT)
        )
    except (duckdb.Error, UnicodeDecodeError):
        return False


SHOWN = """database_name = current_database() and schema_name = current_schema()
    and comment is not null"""
TABLE_COMMENTS = f"select table_name, comment from duckdb_tables() where {SHOWN}"
COLUMN_COMMENTS = f"""select table_name, column_name, comment from duckdb_columns() where {SHOWN}
    order by table_name, column_index"""
WORDS = "select decode(key), decode(value) from parquet_kv_metadata({})"
COUNT = "select count(*) from {}"
COLUMNS = "select column_name, column_type from (describe from {})"
CONTENT = "select sum(hash(record)), bit_xor(hash(record)) from {} as record"
