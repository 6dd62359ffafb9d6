"""Pieces of DuckDB SQL that the sources share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ingestion.contract.entities import ColumnType

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

STORED: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "money": "DECIMAL(28,6)",
        "number": "DECIMAL(28,10)",
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
    }
)
"""The DuckDB type that values of a canonical type have once cast."""

MEMORY_LIMIT = "SALESOPS_MEMORY_LIMIT"
"""The environment variable that says how much memory DuckDB may use; more goes to disk."""


def memory_limit() -> str:
    """What DuckDB may use, such as `6GB`; a run takes little besides."""
    return os.environ.get(MEMORY_LIMIT, "6GB")


THREADS = "SALESOPS_THREADS"
"""The environment variable that says how many threads DuckDB may use, for all that runs at once."""


def max_threads() -> int:
    """How many threads DuckDB may use: as many as there are cores, unless it is said."""
    return int(os.environ.get(THREADS) or os.cpu_count() or 1)


def workbench(spill: Path, limit: str | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills to a folder what exceeds a limit, or that of all."""
    import duckdb

    return duckdb.connect(
        config={
            "temp_directory": str(spill),
            "memory_limit": limit or memory_limit(),
            "threads": max_threads(),
        }
    )


def quote(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """The value's text as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def escaped(path: Path) -> str:
    """The path of one file as DuckDB takes it, which reads patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


def path_literal(path: Path) -> str:
    """The path of one file as an SQL string, whatever its name."""
    return literal(escaped(path))


def one_row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The row of a query that has exactly one."""
    (row,) = connection.execute(sql).fetchall()
    return row


@contextmanager
def register(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Make an Arrow table a view of this name for a while."""
    connection.register(name, table)
    try:
        yield
    finally:
        connection.unregister(name)
