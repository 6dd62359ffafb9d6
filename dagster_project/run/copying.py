"""Tables of a warehouse copied into a DuckDB file, whatever the warehouse is; files as they are."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.disk.copying import copy_file
from ingestion.paths import write_ahead_log
from ingestion.warehouse.duckdb_sql import literal
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb


def copy_database(source: Path, target: Path) -> None:
    """Copy a DuckDB file that nobody writes, with what DuckDB has only in its log yet.

    Raises OSError where a copy is not whole.
    """
    for one, other in ((source, target), (write_ahead_log(source), write_ahead_log(target))):
        if one == source or one.exists():
            copy_file(one, other)
            if other.stat().st_size != one.stat().st_size:
                raise OSError(errno.EIO, "copied in part", str(one))


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
        into.execute(f"attach {literal(warehouse.location)} as origin (read_only)")
    for table in tables:
        if warehouse.name == "duckdb":
            into.execute(f'create table "{table}" as {rows(f"origin.{schema}", table)}')
        else:
            with warehouse.batches(rows(schema, table)) as batches:
                into.register("rows_to_copy", batches)
                into.execute(f'create table "{table}" as from rows_to_copy')
                into.unregister("rows_to_copy")
    if warehouse.name == "duckdb":
        into.execute("detach origin")
