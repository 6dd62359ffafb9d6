"""The versions that a load appends to a raw table: rows that differ, and records that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES
from ingestion.warehouse.duckdb_sql import one_row, quote, register

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_ROWS = 122_880  # a row group of DuckDB's
KNOWN = "§known"


@dataclass(frozen=True)
class Counts:
    """Good rows by what a load does to their records, and the change in the number of live ones.

    `deleted` are rows that say so themselves of records that were live.
    """

    new: int = 0
    changed: int = 0
    deleted: int = 0
    live: int = 0


class Versions:
    """Compares a table of rows with the latest versions of a raw table; then takes what is new.

    The rows have the raw table's `columns`, or `values` gives the SQL of those that they lack, and
    a column `reason` that is NULL where a row is good. `tombstone_hash` is SQL of the hash of a
    last version, once it is marked as deleted.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        rows: str,
        columns: tuple[Column, ...],
        *,
        reason: str = "reason",
        values: Mapping[str, str] = MappingProxyType({}),
        tombstone_hash: str = "~row_hash",
    ) -> None:
        self._connection, self._columns, self._values = connection, columns, values
        self._name, self._rows, self._good = rows, quote(rows), f"{reason} is null"
        self._tombstone_hash = tombstone_hash
        self._known: pa.Table | None = None
        self._has_tombstones = False
        self.counts = Counts()

    def compare(self, known: pa.Table | None, again: str | None = None) -> None:
        """Find the good rows that differ from `known`, the latest versions; without any, all are.

        `known` has `source_id`, `row_hash`, `is_deleted`. Rows of which `again` holds, SQL, count
        as different, whatever their hash.
        """
        self._known = known
        if known is None:
            new, live = one_row(
                self._connection,
                f"select count(*), count(*) filter (is_deleted is not true) from {self._rows} "
                f"where {self._good}",
            )
            self.counts = Counts(new=new, live=live)
            return
        with register(self._connection, KNOWN, known):
            self._connection.execute(f"""
                create table {self._changed} as
                select
                    rows.rowid as position,
                    coalesce(rows.is_deleted, false) as is_deleted,
                    known.source_id is null as is_new,
                    known.source_id is not null and known.is_deleted is not true as was_live
                from {self._rows} as rows
                left join "{KNOWN}" as known on known.source_id = rows.source_id
                where rows.{self._good} and (
                    known.row_hash is distinct from rows.row_hash{f" or {again}" if again else ""}
                )
            """)
        counts = one_row(
            self._connection,
            f"""
            select
                count(*) filter (is_new),
                count(*) filter (not is_new and not (was_live and is_deleted)),
                count(*) filter (was_live and is_deleted),
                count(*) filter (not is_deleted) - count(*) filter (was_live)
            from {self._changed}""",
        )
        self.counts = Counts(*counts)

    def vanished(self, unless: str = "false") -> list[str]:
        """Ids of live records that no row is of, good or not. Those of which `unless` holds stay.

        `unless` is SQL on `known`.
        """
        if self._known is None:
            return []
        with register(self._connection, KNOWN, self._known):
            found = self._connection.execute(f"""
                select source_id from "{KNOWN}" as known
                where is_deleted is not true and not ({unless}) and not exists (
                    select 1 from {self._rows} as rows where rows.source_id = known.source_id
                )
            """)
            return [source_id for (source_id,) in found.fetchall()]

    def bury(self, gone: pa.Table) -> None:
        """Append the latest versions of records once more, marked as deleted."""
        stored = ", ".join(
            f"{quote(column.name)}::{TYPES[column.type].sql} as {quote(column.name)}"
            for column in self._columns
        )
        with register(self._connection, "§gone", gone):
            self._connection.execute(f"""
                create table {self._tombstones} as
                select * replace ({self._tombstone_hash} as row_hash) from (
                    select * replace (true as is_deleted, null::TIMESTAMP as source_updated_at)
                    from (select {stored} from "§gone")
                )
            """)
        self._has_tombstones = True

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The versions to append."""
        selected = ", ".join(
            f"{self._values.get(column.name, quote(column.name))} as {quote(column.name)}"
            for column in self._columns
        )
        query = f"select {selected} from {self._rows} where {self._good}"
        if self._known is not None:
            query += f" and rowid in (select position from {self._changed})"
        if self._has_tombstones:
            query += f" union all by name select * from {self._tombstones}"
        yield from self._connection.cursor().execute(query).to_arrow_reader(BATCH_ROWS)

    @property
    def _changed(self) -> str:
        return quote(f"§changed {self._name}")

    @property
    def _tombstones(self) -> str:
        return quote(f"§tombstones {self._name}")
