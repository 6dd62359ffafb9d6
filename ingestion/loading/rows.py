"""Records of an API as rows of raw tables: SQL that types, checks and hashes what JSON holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES, ColumnType
from ingestion.warehouse.duckdb_sql import as_decimal, hash_of, in_64_bits, literal, quote, register

if TYPE_CHECKING:
    import duckdb

EXPECTED: Mapping[ColumnType, str] = MappingProxyType(
    {
        "money": "a number",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "timestamp": "a moment such as 2024-01-31T17:45:00Z",
        "date": "a date such as 2024-01-31",
    }
)
"""What a value that does not fit a column of a type is not, in words."""
NOT_HASHED = frozenset({"source_instance", "source_file", "source_row", "row_hash"})
"""What of a row says where it was found, not what it says."""


def row_hash(columns: Iterable[Column]) -> str:
    """SQL of the hash of a row's values: equal for equal values.

    Decimals that fit 64 bits, all of them, give the same text ten times faster.
    """
    hashed = [column for column in columns if column.name not in NOT_HASHED]
    values = {column.name: quote(column.name) for column in hashed}
    narrow = {
        column.name: f"try_cast({quote(column.name)} as {in_64_bits(TYPES[column.type].sql)})"
        for column in hashed
        if TYPES[column.type].scale is not None
    }
    text = _object(values)
    if narrow:
        fit = " and ".join(f"({values[it]} is null) = ({narrow[it]} is null)" for it in narrow)
        text = f"case when {fit} then {_object(values | narrow)} else {text} end"
    return hash_of(text)


def _object(values: Mapping[str, str]) -> str:
    members = ", ".join(f"{literal(name)}, {value}" for name, value in values.items())
    return f"json_object({members})::VARCHAR"


def typed(value: str, type_: ColumnType) -> str:
    """SQL of a text as a value of a type; NULL where it is none. Moments are UTC without zone."""
    if type_ == "text":
        return value
    if type_ == "timestamp":
        return (
            f"case when ends_with({value}, 'Z') then try_cast({value} as TIMESTAMP) "
            f"else timezone('UTC', try_cast({value} as TIMESTAMPTZ)) end"
        )
    if TYPES[type_].scale is not None:
        return as_decimal(value, TYPES[type_].sql)
    return f"try_cast({value} as {TYPES[type_].sql})"


def reason_of(problems: Iterable[tuple[str, str]]) -> str:
    """SQL of what is wrong with a row: conditions, and what to say where they hold, both SQL."""
    cases = [f"case when {condition} then {text} end" for condition, text in problems]
    return f"nullif(concat_ws('; ', {', '.join(cases)}), '')" if cases else "null::VARCHAR"


def create_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[Column, ...],
    instance: str,
    rows: Iterable[Mapping[str, Any]],
) -> None:
    """Make `<table> rows` of a short list's records, each once, in the order that they came in.

    They are as Delta takes them. Values are as JSON has them; moments may be texts with a zone.
    """
    import pyarrow as pa

    unique = {row["source_id"]: row for row in rows}
    texts = {
        column.name: pa.array([_text(row.get(column.name)) for row in unique.values()], pa.string())
        for column in columns
    }
    texts["source_row"] = pa.array([str(number) for number in range(1, len(unique) + 1)])
    texts["source_instance"] = pa.array([instance] * len(unique), pa.string())
    texts["is_deleted"] = pa.array(["false"] * len(unique), pa.string())
    values = ", ".join(
        f"{quote(column.name)}::{_from_text(column.type)} as {quote(column.name)}"
        for column in columns
        if column.name != "row_hash"
    )
    with register(connection, "entries", pa.table(texts)):
        connection.execute(
            f"create table {quote(f'{table} rows')} as "
            f"with typed as (select {values} from entries) "
            f"select *, {row_hash(columns)} as row_hash, null::VARCHAR as reason, "
            f"{literal('')} as record from typed"
        )


def _from_text(type_: ColumnType) -> str:
    return "TIMESTAMPTZ::TIMESTAMP" if type_ == "timestamp" else TYPES[type_].sql


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)
