"""PostgreSQL: connections, query results as Arrow tables, and errors in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

from ingestion.errors import WarehouseError, first_line
from ingestion.warehouse.postgres_address import Address

if TYPE_CHECKING:
    import psycopg2.extensions
    import pyarrow as pa

NUMERIC = 1700
UNSCALED = (38, 10)
"""Precision and scale of numeric results that declare none."""
BATCH = 50_000
"""Rows fetched at a time where they may be many."""
UNREACHABLE = "the server cannot be reached; see whether it runs, and whether host and port are its"
USER = "see the user and the password in SALESOPS_POSTGRES_URL"
REFUSALS = {
    "authentication failed": f"the server does not accept user and password; {USER}",
    "no password supplied": f"the server asks for a password, and there is none; {USER}",
    "could not translate host name": "there is no such host; see SALESOPS_POSTGRES_URL",
    "no pg_hba.conf entry": "the server does not admit this user from this machine to the database",
    "does not exist": "the server has no such user, or no such database",
    "permission denied": "the user may not connect to the database",
    "connection refused": "nothing listens at this host and port; see whether the server runs",
    "no such file": "nothing listens at this socket; see whether the server runs",
    "timeout": "the server does not answer in time",
    "ssl": "the server and this machine agree on no encryption; see sslmode and certificates",
    "too many": "the server has no connection left; try again later",
    "starting up": "the server is only just starting; try again later",
    "shutting down": "the server is shutting down",
    "closed the connection": "the server has closed the connection; see its log",
}
"""What the driver's text means, by what is in it; the first that fits is told."""


@contextmanager
def connected(url: str, readonly: bool = False) -> Iterator[psycopg2.extensions.connection]:
    """A connection of which each statement stands at once, in UTC.

    Raises WarehouseError when the server does not answer.
    """
    import psycopg2

    address = Address.of(url)
    try:
        connection = psycopg2.connect(**address.parts)
    except psycopg2.Error as error:
        raise WarehouseError(f"{address}: {in_words(url, error)}") from None
    try:
        connection.set_session(readonly=readonly, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
        yield connection
    except psycopg2.OperationalError as error:
        raise WarehouseError(f"{address}: {in_words(url, error)}") from None
    finally:
        connection.close()


def read(url: str, sql: str, params: Sequence[object]) -> pa.Table:
    """The rows of a query, whose parameters are written `?`; raises as `connected` does."""
    import pyarrow as pa

    if params:
        sql = sql.replace("%", "%%").replace("?", "%s")
    with connected(url, readonly=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        schema = _schema(cursor)
        return pa.Table.from_batches([_batch(cursor.fetchall(), schema)])


@contextmanager
def batches(url: str, sql: str) -> Iterator[pa.RecordBatchReader]:
    """The rows of a query, of which the server keeps what has not been asked for.

    Raises as `connected` does.
    """
    import pyarrow as pa

    with (
        connected(url, readonly=True) as connection,
        connection.cursor(name="rows", withhold=True) as cursor,
    ):
        cursor.execute(sql)
        first = cursor.fetchmany(BATCH)
        schema = _schema(cursor)
        rest = iter(lambda: cursor.fetchmany(BATCH), [])
        each = (_batch(rows, schema) for rows in chain([first], rest))
        yield pa.RecordBatchReader.from_batches(schema, each)


def in_words(url: str, error: BaseException) -> str:
    """What an error of the server or its driver means, the driver's own text left out.

    What libpq says where it has no answer of the server quotes what it was given.
    """
    import psycopg2

    if not isinstance(error, psycopg2.Error):
        return Address.of(url).struck_out(first_line(error))
    if error.diag.message_primary:
        return error.diag.message_primary
    text = str(error).lower()
    return next((words for sign, words in REFUSALS.items() if sign in text), UNREACHABLE)


def _schema(cursor: psycopg2.extensions.cursor) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(column.name, _arrow_type(column)) for column in cursor.description or ()])


def _batch(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [_array(values, type_) for values, type_ in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


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
