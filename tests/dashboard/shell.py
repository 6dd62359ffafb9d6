"""Published files without a row: tables and columns of the models' contracts, for tests to fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import duckdb
import yaml

from ingestion.paths import PROJECT


def empty() -> duckdb.DuckDBPyConnection:
    """A connection to a published file of all marts, with the people's attached as `people`."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as people")
    for database in ("memory", "people"):
        connection.execute(f"create schema {database}.marts")
        for table, columns in _contracts().items():
            told = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"create table {database}.marts.{table} ({told})")
    return connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, *rows: Mapping[str, Any]) -> None:
    """Put rows into `marts.<table>`, or `people.marts.<table>`; what they do not name is NULL."""
    where = table if "." in table else f"marts.{table}"
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join("?" for _ in row)
        connection.execute(f"insert into {where} ({names}) values ({places})", [*row.values()])


@cache
def _contracts() -> dict[str, dict[str, str]]:
    return dict(_tables())


def _tables() -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted((PROJECT / "dbt" / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            columns = {
                column["name"]: str(column["data_type"]).replace("numeric", "decimal")
                for column in model.get("columns", [])
                if "data_type" in column
            }
            if columns and model.get("config", {}).get("access") == "public":
                yield model["name"], columns
