"""Takes in a platform's rows, and makes rows of raw tables of them: typed, checked, each once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ingestion.contract.columns import Column
from ingestion.http import MalformedAnswerError, Place
from ingestion.loading.intake import Intake
from ingestion.loading.rows import EXPECTED, reason_of, row_hash, typed
from ingestion.warehouse.duckdb_sql import literal, quote

if TYPE_CHECKING:
    import duckdb

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "campaigns": ("source_id",),
        "campaign_days": ("account", "campaign", "day"),
        "ad_days": ("account", "campaign", "ad_group", "ad", "day"),
    }
)
"""What the id of a record is made of, in the tables that are read from reports and lists."""
KEY_OF_ADS = ("account", "campaign", "ad_group", "ad")
"""The same of ads: Google's have ids of their own in their group alone."""
NAMES = ("name", "ad_group_name")
"""What rows of ads' days have beside their columns: what the ad and its group are called."""
OURS = frozenset(
    {"source_instance", "source_file", "source_row", "source_extra", "row_hash"}
    | {"source_id", "source_updated_at", "is_deleted"}
)
"""Columns that no reader gives."""


class Taken:
    """What has come in of each table; several threads may add. Leaving it completes the tables."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Mapping[str, tuple[Column, ...]],
        folder: Path,
    ) -> None:
        self._lock, self._positions, self._stack = threading.Lock(), count(1), ExitStack()
        self._names = {table: _names(table, tables[table]) for table in KEYS}
        self._intakes = {
            table: Intake(
                connection.cursor(),
                f"{table} records",
                {"position": "BIGINT", **dict.fromkeys(names, "VARCHAR")},
                folder,
            )
            for table, names in self._names.items()
        }

    def __enter__(self) -> Taken:
        for intake in self._intakes.values():
            self._stack.enter_context(intake)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def add(self, table: str, rows: Iterable[Mapping[str, Any]], **more: object) -> None:
        """Take in a page of rows of a table, which have `more` in common."""
        names = self._names[table]
        with self._lock:
            self._intakes[table].add(
                {
                    "position": next(self._positions),
                    **{name: more[name] if name in more else row.get(name) for name in names},
                }
                for row in rows
            )


def create_rows_of(
    connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[Column, ...], place: Place
) -> None:
    """Make `<table> rows` of `<table> records`, as Delta takes them.

    Raises MalformedAnswerError where there are two rows of one record that differ: to take either
    of them would be wrong, and so would their sum.
    """
    connection.execute(
        f"create table {quote(f'{table} rows')} as {_rows(table, columns, place.source)}"
    )
    twice = connection.execute(
        f"select min(source_id) from {quote(f'{table} rows')} "
        "group by source_id having count(*) > 1 order by 1 limit 1"
    ).fetchone()
    if twice:
        raise MalformedAnswerError(
            place, f"there are two rows of {table} {twice[0]}, which say different things"
        )


def create_ads_rows(
    connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...], instance: str
) -> None:
    """Make `ads rows`: what ads are called on the last of the days that came in of them."""
    given = [column for column in columns if column.name not in OURS]
    last = ", ".join(
        f"arg_max_null({quote(column.name)}, (day, position)) as {quote(column.name)}"
        for column in given
    )
    id = _id(KEY_OF_ADS)
    connection.execute(f"""
        create table "ads rows" as
        with latest as (
            select {id} as source_id, max(position) as source_row, {last}
            from "ad_days records"
            where {id} in (select {id} from "ad_days rows" where reason is null)
            group by {id}
        ), typed as (
            select
                *,
                {literal(instance)} as source_instance,
                null::VARCHAR as source_file,
                null::VARCHAR as source_extra,
                null::TIMESTAMP as source_updated_at,
                false as is_deleted,
                null::VARCHAR as reason,
                null::VARCHAR as record
            from latest
        )
        select *, {row_hash(columns)} as row_hash from typed
    """)


def _rows(table: str, columns: tuple[Column, ...], instance: str) -> str:
    given = [column for column in columns if column.name not in OURS]
    names = [name for name in _names(table, columns) if table != "ad_days" or name not in NAMES]
    id = _id(KEYS[table])
    told = ", ".join(f"{literal(name)}, {quote(name)}" for name in names)
    values = ", ".join(
        f"{typed(quote(column.name), column.type)} as {quote(column.name)}" for column in given
    )
    once = ", ".join(quote(name) for name in names)
    return f"""
        with once as (
            select {once}, min(position) as position from {quote(f"{table} records")}
            group by {once}
        ), checked as (
            select *, {id} as id, {reason_of(_problems(given))} as problem from once
        ), typed as (
            select
                {literal(instance)} as source_instance,
                null::VARCHAR as source_file,
                position as source_row,
                null::VARCHAR as source_extra,
                id as source_id,
                null::TIMESTAMP as source_updated_at,
                false as is_deleted,
                {values},
                problem as reason,
                case when problem is not null then json_object({told})::VARCHAR end as record
            from checked
        )
        select *, {row_hash(columns)} as row_hash from typed
    """


def _id(key: Iterable[str]) -> str:
    return " || '/' || ".join(f"coalesce({quote(name)}, '')" for name in key)


def _problems(given: Iterable[Column]) -> Iterator[tuple[str, str]]:
    """Conditions under which a row is rejected, and what to say then."""
    for column in given:
        name = quote(column.name)
        if column.required:
            yield f"nullif({name}, '') is null", literal(f"{column.name}: missing")
        if column.type != "text":
            yield (
                f"nullif({name}, '') is not null and {typed(name, column.type)} is null",
                f"{literal(f'{column.name} = ')} || {name} || "
                f"{literal(f': not {EXPECTED[column.type]}')}",
            )


def _names(table: str, columns: Iterable[Column]) -> list[str]:
    """The members that are taken in of a table's rows, as text."""
    given = [column.name for column in columns if column.name not in OURS]
    more = {"campaigns": ["source_id"], "ad_days": list(NAMES)}.get(table, [])
    return [*more, *given]
