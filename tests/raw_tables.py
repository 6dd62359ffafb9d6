"""The raw tables of a type of source, empty."""

from __future__ import annotations

import duckdb

from ingestion.contract.types import TYPES
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.duckdb_sql import quote


def make_raw_tables(connection: duckdb.DuckDBPyConnection, source_type: str) -> None:
    """Make them in a warehouse that has those of files."""
    dataset = SOURCE_TYPES[source_type].dataset
    connection.execute(f"create schema {dataset}")
    connection.execute(f"create table {dataset}._dlt_loads as from raw_files._dlt_loads limit 0")
    for table, columns in SOURCE_TYPES[source_type].tables.items():
        declared = ", ".join(f"{quote(it.name)} {TYPES[it.type].sql}" for it in columns)
        connection.execute(f"create table {dataset}.{table} ({declared}, _dlt_load_id VARCHAR)")
