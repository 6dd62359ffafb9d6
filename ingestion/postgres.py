"""Reads PostgreSQL query results as Arrow tables."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestion.errors import WarehouseError, first_line

if TYPE_CHECKING:
    import pyarrow as pa

NUMERIC = 1700
UNSCALED = (38, 10)
"""Precision and scale of numeric results that declare none."""


def read(url: str, sql: str, params: Sequence[object]) -> pa.Table:
    """The rows of a query, whose parameters are written `?`.

    Raises WarehouseError when the server does not answer.
    """
    import psycopg2
    import pyarrow as pa

    if params:
        sql = sql.replace("%", "%%").replace("?", "%s")
    try:
        connection = psycopg2.connect(url)
    except psycopg2.OperationalError as error:
        raise WarehouseError(f"{describe(url)}: {first_line(error)}") from None
    try:
        connection.set_session(readonly=True, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
            cursor.execute(sql, params or None)
            fields = [(column.name, _arrow_type(column)) for column in cursor.description or ()]
            rows = cursor.fetchall()
    finally:
        connection.close()
    columns = zip(*rows, strict=True) if rows else ((),) * len(fields)
    arrays = [_array(values, type_) for values, (_, type_) in zip(columns, fields, strict=True)]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in fields])


def describe(url: str) -> str:
    """The address without user and password."""
    parts = _parse(url)
    host, port = parts.get("host", "localhost"), parts.get("port", "5432")
    return f"PostgreSQL at {host}:{port}/{parts.get('dbname', parts.get('user', ''))}"


def dlt_credentials(url: str) -> dict[str, object]:
    """The address as dlt takes it: with all parts, where libpq has defaults for some."""
    parts = _parse(url)
    host = parts.pop("host", "localhost")
    named = {
        "username": parts.pop("user", getpass.getuser()),
        "password": parts.pop("password", ""),
        "port": int(parts.pop("port", 5432)),
    }
    named["database"] = parts.pop("dbname", named["username"])
    if host.startswith("/"):  # a socket's folder does not fit where a URL has the host
        return {**named, "host": "localhost", "query": {**parts, "host": host}}
    return {**named, "host": host, "query": parts}


def _parse(url: str) -> dict[str, str]:
    import psycopg2
    from psycopg2.extensions import parse_dsn

    try:
        return dict(parse_dsn(url))
    except psycopg2.ProgrammingError as error:
        raise WarehouseError(
            f"not an address of a PostgreSQL database: {first_line(error)}"
        ) from None


def _array(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_decimal(type_):
        places = Decimal(1).scaleb(-type_.scale)
        values = [None if value is None else value.quantize(places) for value in values]
    return pa.array(values, type_)


def _arrow_type(column: Any) -> pa.DataType:
    """The Arrow type of a result column; what has no counterpart is text."""
    import pyarrow as pa

    if column.type_code == NUMERIC:
        is_declared = column.precision is not None and 0 < column.precision <= UNSCALED[0]
        return pa.decimal128(*((column.precision, column.scale) if is_declared else UNSCALED))
    return {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int16(),
        23: pa.int32(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
        1114: pa.timestamp("us"),
        1184: pa.timestamp("us", "UTC"),
    }.get(column.type_code, pa.string())
