"""Pieces of SQL text, and the names that are the loader's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

HIDDEN = "§salesops "
"""Prefix of the columns that are not the user's."""

TEXT_OF = f"{HIDDEN}text "
"""Prefix of the columns that keep the text of values that their column's type would rewrite."""


def quote(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """The value's text as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


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
