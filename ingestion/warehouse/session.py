"""A connection that changes the warehouse, and what its engines say differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ingestion.warehouse.duckdb_sql import memory_limit
from ingestion.warehouse.marts_file import show_marts
from ingestion.warehouse.postgres import connected
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import psycopg2.extensions


class Session(Protocol):
    """What is done in a warehouse; a statement outside a transaction stands at once."""

    errors: tuple[type[Exception], ...]
    digest_of_row: str
    """SQL of a number that tells a row, of what is called `rows`, from others."""
    digest_of_rows: str
    """SQL that aggregates what is called `rows`, in any order, to a text that tells them apart."""

    def execute(self, statement: str) -> None:
        """Run a statement."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def fill(self, table: str, query: str) -> None:
        """Put the rows of a query into a table, by the names of their columns."""

    def put_texts(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Put rows into a table, whatever their texts hold."""


@contextmanager
def session(warehouse: Warehouse) -> Iterator[Session]:
    """A session on a warehouse, until the context is left; raises as `connected` does."""
    if warehouse.name == "duckdb":
        with _DuckDB.opened(warehouse) as connection:
            yield _DuckDB(connection)
    else:
        with connected(warehouse.location) as connection:
            yield _Postgres(connection)


class _DuckDB:
    digest_of_row = "hash(rows)"
    digest_of_rows = f"count(*) || ':' || coalesce(sum(cast({digest_of_row} as hugeint)), 0)"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        import duckdb

        self.errors: tuple[type[Exception], ...] = (duckdb.Error,)
        self._connection = connection

    @staticmethod
    @contextmanager
    def opened(warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        with duckdb.connect(warehouse.location) as connection:
            connection.execute(
                f"""set TimeZone = 'UTC'; set preserve_insertion_order = false;
                set memory_limit = '{memory_limit()}'; set threads = {warehouse.threads()};
                set checkpoint_threshold = '256MB'"""
            )
            show_marts(connection, Path(warehouse.location))
            yield connection

    def execute(self, statement: str) -> None:
        self._connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def fill(self, table: str, query: str) -> None:
        self._connection.execute(f"insert into {table} by name {query}")

    def put_texts(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        marks = ", ".join("?" for _ in rows[0])
        self._connection.executemany(f"insert into {table} values ({marks})", rows)


class _Postgres:
    digest_of_row = "hashtextextended(cast(rows as text), 0)"
    digest_of_rows = f"count(*) || ':' || coalesce(sum(cast({digest_of_row} as numeric)), 0)"

    def __init__(self, connection: psycopg2.extensions.connection) -> None:
        import psycopg2

        self.errors: tuple[type[Exception], ...] = (psycopg2.Error,)
        self._connection = connection

    def execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def fill(self, table: str, query: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"select * from ({query}) as rows limit 0")
            names = ", ".join(f'"{column.name}"' for column in cursor.description or ())
            cursor.execute(f"insert into {table} ({names}) {query}")

    def put_texts(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        marks = ", ".join("%s" for _ in rows[0])
        with self._connection.cursor() as cursor:
            cursor.executemany(f"insert into {table} values ({marks})", rows)
