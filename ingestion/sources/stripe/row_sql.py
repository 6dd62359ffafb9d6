"""SQL that makes rows of raw tables of what came in as text: it types, checks and hashes."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.contract.columns import Column
from ingestion.contract.types import ColumnType
from ingestion.loading.rows import EXPECTED, reason_of, row_hash, typed
from ingestion.sources.stripe.tables import OBJECTS, TABLES
from ingestion.warehouse.duckdb_sql import literal, quote

RECORDS = " records"
"""What the name of a table of records ends in, before they are rows."""


def members(table: str) -> dict[str, str]:
    """DuckDB types of what is taken in of a record: all text but its position."""
    names = ("source_id", "is_deleted", "reason", "record", *_names(table))
    return {"position": "BIGINT", **dict.fromkeys(names, "VARCHAR")}


def _names(table: str) -> list[str]:
    return [column.name for column in OBJECTS[table]]


def rows_of(table: str, instance: str) -> str:
    """SQL of rows with `reason` and `record` from a table's records; of several of one id the last.

    `<table> records` has `members`.
    """
    records = quote(table + RECORDS)
    kept = ", ".join(f"{literal(it)}, {quote(it)}" for it in ("source_id", *_names(table)))
    columns = ", ".join(f"{_value(column)} as {quote(column.name)}" for column in OBJECTS[table])
    return f"""
        with latest as (
            select * from {records}
            where position in (select max(position) from {records} group by source_id)
        ), checked as (
            select *, coalesce(reason, {reason_of(_problems(table))}) as problem from latest
        ), typed as (
            select
                {literal(instance)} as source_instance,
                null::VARCHAR as source_file,
                position as source_row,
                null::VARCHAR as source_extra,
                source_id,
                null::TIMESTAMP as source_updated_at,
                coalesce(is_deleted = 'true', false) as is_deleted,
                {columns},
                problem as reason,
                case
                    when reason is not null then record
                    when problem is not null then json_object({kept})::VARCHAR
                end as record
            from checked
        )
        select *, {row_hash(TABLES[table])} as row_hash from typed
    """


def _value(column: Column) -> str:
    name = f"nullif({quote(column.name)}, '')"
    if column.type == "timestamp":
        return f"make_timestamp(try_cast({name} as BIGINT) * 1000000)"
    return typed(name, column.type)


def _problems(table: str) -> Iterator[tuple[str, str]]:
    """Conditions under which a row is rejected, and what to say then."""
    for column in OBJECTS[table]:
        name = quote(column.name)
        if column.required:
            yield f"nullif({name}, '') is null", literal(f"{column.name}: missing")
        if column.type != "text":
            yield (
                f"nullif({name}, '') is not null and {_value(column)} is null",
                f"{literal(f'{column.name} = ')} || {name} || "
                f"{literal(f': not {_expected(column.type)}')}",
            )


def _expected(type_: ColumnType) -> str:
    return "a moment in seconds" if type_ == "timestamp" else EXPECTED[type_]
