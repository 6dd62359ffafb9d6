"""Raw tables without dlt: for tests of what is read or built, and not of how it is loaded."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES
from ingestion.loading import appending
from ingestion.loading.appending import arrow_schema
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.duckdb_sql import quote
from ingestion.warehouse.warehouse import Warehouse

OF_LOADS = (
    "load_id varchar not null, schema_name varchar, status bigint not null, "
    "inserted_at timestamptz not null, schema_version_hash varchar"
)
"""The columns of dlt's own table."""


Declared = Mapping[str, tuple[Column, ...]]
Taken = Mapping[str, pa.Table]


def make_raw_tables(connection: duckdb.DuckDBPyConnection, source_type: str) -> None:
    """Make those of a type of source, empty, where there are none."""
    made = SOURCE_TYPES[source_type]
    _make(connection, made.dataset, made.tables)


def append(
    warehouse: Warehouse,
    dataset: str,
    declared: Declared,
    tables: Mapping[str, Iterable[pa.RecordBatch]],
    folder: Path | None = None,
    *,
    load_id: str = "",
) -> None:
    """Append to a warehouse in DuckDB as `ingestion.loading.appending.append` does, much faster.

    Nothing is written to `folder`; without a `load_id` it is the moment's, as dlt's is.
    """
    _insert(warehouse, dataset, declared, _taken(declared, tables), load_id)


def without_dlt(environment: pytest.MonkeyPatch) -> None:
    """Let loads into DuckDB append so for as long as the environment lasts."""
    held: dict[Path, tuple[Declared, Taken]] = {}
    set_down, load = appending.set_down, appending.load

    def hold(
        warehouse: Warehouse,
        dataset: str,
        declared: Declared,
        tables: Mapping[str, Iterable[pa.RecordBatch]],
        folder: Path,
    ) -> None:
        if warehouse.name == "duckdb":
            held[folder] = declared, _taken(declared, tables)
        else:
            set_down(warehouse, dataset, declared, tables, folder)

    def insert(warehouse: Warehouse, dataset: str, folder: Path) -> None:
        if warehouse.name == "duckdb":
            _insert(warehouse, dataset, *held.pop(folder))
        else:
            load(warehouse, dataset, folder)

    environment.setattr(appending, "set_down", hold)
    environment.setattr(appending, "load", insert)


def _taken(declared: Declared, tables: Mapping[str, Iterable[pa.RecordBatch]]) -> Taken:
    """All batches: what a source raises while they are taken leaves nothing behind."""
    return {
        name: pa.Table.from_batches(batches).select(schema.names).cast(schema)
        for name, batches, schema in (
            (name, list(batches), arrow_schema(declared[name])) for name, batches in tables.items()
        )
        if batches
    }


def _insert(
    warehouse: Warehouse, dataset: str, declared: Declared, taken: Taken, load_id: str = ""
) -> None:
    load_id = load_id or f"{time.time():.7f}"
    Path(warehouse.location).parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute("begin")
        _make(connection, dataset, declared)
        for name, rows in taken.items():
            connection.register("taken", rows)
            connection.execute(
                f"insert into {dataset}.{name} by name select *, ? as _dlt_load_id from taken",
                [load_id],
            )
        connection.execute(
            f"insert into {dataset}._dlt_loads by name "
            "select ? as load_id, ? as schema_name, 0 as status, now() as inserted_at",
            [load_id, dataset],
        )
        connection.execute("commit")


def _make(connection: duckdb.DuckDBPyConnection, dataset: str, declared: Declared) -> None:
    """Make the tables and columns of a dataset that are not there yet."""
    connection.execute(f"create schema if not exists {dataset}")
    connection.execute(f"create table if not exists {dataset}._dlt_loads ({OF_LOADS})")
    for table, columns in declared.items():
        name = f"{dataset}.{table}"
        told = {it.name: f"{quote(it.name)} {TYPES[it.type].sql}" for it in columns}
        connection.execute(
            f"create table if not exists {name} "
            f"({', '.join(told.values())}, _dlt_load_id varchar not null)"
        )
        there = {row[0] for row in connection.execute(f"describe {name}").fetchall()}
        for column in told.keys() - there:
            connection.execute(f"alter table {name} add column {told[column]}")
