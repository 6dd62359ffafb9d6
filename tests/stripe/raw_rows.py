"""Rows of Stripe's raw tables, written by hand into a warehouse without a load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from ingestion.contract.types import TYPES
from ingestion.sources.stripe.tables import TABLES
from ingestion.warehouse.duckdb_sql import quote

DATASET = "raw_stripe"
LOADED_AT = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
LOAD_COLUMNS = (
    "load_id varchar, schema_name varchar, status bigint, inserted_at timestamptz, "
    "schema_version_hash varchar"
)

Row = Mapping[str, Any]


def create_statements() -> list[str]:
    """What makes the tables, on DuckDB and on PostgreSQL, with the one load that they are of."""
    made = [f"create schema {DATASET}", f"create table {DATASET}._dlt_loads ({LOAD_COLUMNS})"]
    for table, columns in TABLES.items():
        declared = ", ".join(f"{quote(it.name)} {TYPES[it.type].sql}" for it in columns)
        made.append(f"create table {DATASET}.{table} ({declared}, _dlt_load_id varchar)")
    loaded = f"('1', 'stripe', 0, '{LOADED_AT.isoformat()}', '')"
    return [*made, f"insert into {DATASET}._dlt_loads values {loaded}"]


def in_arrow(table: str, rows: Sequence[Row], instance: str = "stripe") -> pa.Table:
    """Rows of one load as a table has them; what a row does not say is NULL."""
    given = [
        {
            "source_instance": instance,
            "source_row": number,
            "is_deleted": False,
            "_dlt_load_id": "1",
            **row,
        }
        for number, row in enumerate(rows, 1)
    ]
    types = {it.name: TYPES[it.type].in_arrow() for it in TABLES[table]}
    types["_dlt_load_id"] = pa.string()
    unknown = {name for row in given for name in row} - types.keys()
    assert not unknown, f"{table} has no {unknown}"
    return pa.table(
        {
            name: pa.array([_fitting(row.get(name), type_) for row in given], type_)
            for name, type_ in types.items()
        }
    )


def insert(connection: duckdb.DuckDBPyConnection, rows: Mapping[str, Sequence[Row]]) -> None:
    """Put rows into their tables of a warehouse."""
    for table, of_table in rows.items():
        connection.register("given", in_arrow(table, of_table))
        connection.execute(f"insert into {DATASET}.{table} by name select * from given")
        connection.unregister("given")


def insert_on_server(session: cursor, rows: Mapping[str, Sequence[Row]]) -> None:
    """Put rows into their tables on a PostgreSQL server."""
    for table, of_table in rows.items():
        given = in_arrow(table, of_table)
        names = ", ".join(quote(name) for name in given.column_names)
        values = [tuple(row.values()) for row in given.to_pylist()]
        execute_values(session, f"insert into {DATASET}.{table} ({names}) values %s", values)


def _fitting(value: Any, type_: pa.DataType) -> Any:
    if value is not None and pa.types.is_decimal(type_):
        return Decimal(value).quantize(Decimal(1).scaleb(-type_.scale))
    return value
