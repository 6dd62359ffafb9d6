"""The same days on a PostgreSQL server: what is built whole is in a copy of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psycopg2
from psycopg2.extensions import cursor

from dagster_project.run.builds import BUILD
from dagster_project.run.copying import copy_tables
from dagster_project.run.dbt_runner import Dbt
from ingestion.paths import CompanyPaths
from ingestion.warehouse.postgres_address import Address
from ingestion.warehouse.warehouse import Warehouse
from tests.increments.comparing import SCHEMAS, Difference, differences
from tests.increments.days import Build, Days, Moment
from tests.increments.whole import MODELS

WHOLE = "whole"
"""The database that is built whole."""


class DaysOnPostgres(Days):
    """Days of a company whose warehouse is on a server; nothing of it is published."""

    def differences(self, build: Build, by_dbt: bool = True) -> list[Difference]:
        """What differs from a copy of the database built whole."""
        company = self.company
        warehouse = Warehouse.of(company)
        parts = Address.of(warehouse.location).parts
        whole = warehouse.location.replace("/postgres?", f"/{WHOLE}?")
        with _connected(warehouse.location) as server:
            server.execute(f"drop database if exists {WHOLE}")
            server.execute(f"create database {WHOLE} template {parts['dbname']}")
        with _connected(whole) as server:
            for schema in (*SCHEMAS, BUILD):
                server.execute(f"drop schema if exists {schema} cascade")
        paths = CompanyPaths(self.folder)
        Dbt(company, paths, Warehouse("postgres", whole)).build(
            build.values, MODELS, lambda result: None
        )
        in_place = _copied(warehouse, self.folder / "in_place.duckdb")
        with duckdb.connect(_copied(Warehouse("postgres", whole), paths.warehouse)) as copy:
            return differences(copy, in_place)

    def execute(self, sql: str, params: Sequence[object]) -> None:
        """Change what has been loaded."""
        with _connected(Warehouse.of(self.company).location) as server:
            server.execute(sql.replace("?", "%s"), params)

    def publish(self, as_of: Moment, known_at: Moment) -> None:
        """Enter nothing: what was published is told in another engine's words."""


@contextmanager
def _connected(url: str) -> Iterator[cursor]:
    """A session that is committed statement by statement."""
    connection = psycopg2.connect(**Address.of(url).parts)
    connection.autocommit = True
    try:
        with connection.cursor() as session:
            yield session
    finally:
        connection.close()


def _copied(warehouse: Warehouse, file: Path) -> Path:
    """The tables of a server in a DuckDB file."""
    file.unlink(missing_ok=True)
    with duckdb.connect(file) as connection:
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
            connection.execute(f"use {schema}")
            tables = warehouse.read(
                "select table_name from information_schema.tables "
                "where table_schema = ? and table_type = 'BASE TABLE'",
                [schema],
            )["table_name"].to_pylist()
            copy_tables(warehouse, schema, tables, connection)
    return file
