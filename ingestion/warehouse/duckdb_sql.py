"""Pieces of DuckDB SQL that the sources share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

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


def in_64_bits(decimal: str) -> str:
    """The type of decimals that DuckDB keeps in 64 bits, with as many places as another."""
    return re.sub(r"\(\d+", "(18", decimal)


def as_decimal(text: str, type_: str) -> str:
    """SQL of a text as a decimal of a type, NULL where it is none.

    DuckDB reads text into decimals of more than 64 bits two hundred times slower; into those of 64
    bits it loses what a number with an exponent has of more than 18 digits.
    """
    narrow = f"try_cast({text} as {in_64_bits(type_)})"
    is_kept = f"length({text}) <= 18 or {text} not ilike '%e%'"
    return f"coalesce(case when {is_kept} then {narrow} end, try_cast({text} as {type_}))"


def hash_of(text: str) -> str:
    """SQL of the hash of a text: 63 bits, the same on every machine."""
    return f"(md5_number_lower({text}) >> 1)::BIGINT"


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
def register(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | pa.RecordBatchReader
) -> Iterator[None]:
    """Make an Arrow table, or a reader that is read once, a view of this name for a while."""
    connection.register(name, rows)
    try:
        yield
    finally:
        connection.unregister(name)
