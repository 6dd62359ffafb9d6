"""What of a table's rows is new: versions to append, records that vanished, rows to reject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.contract.entities import REJECTED_COLUMNS
from ingestion.pipeline import TableLoad
from ingestion.sources.hubspot.raw import LastLoad, RawState
from ingestion.sources.hubspot.tables import TABLES
from ingestion.warehouse.duckdb_sql import literal, quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_ROWS = 100_000


@dataclass(frozen=True)
class Counts:
    """Records by what a load does to them, and the change in the number of live ones."""

    new: int
    changed: int
    deleted: int
    live: int


class Delta:
    """Compares table `<table> rows` with the latest versions in raw.

    The rows have the raw table's columns, `reason` (none: the row is good) and `record`. They are
    all records of a listing when `is_whole`: what is not among them has vanished.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        state: RawState,
        table: str,
        last: LastLoad | None,
        is_whole: bool,
        key: str = "source_id",
    ) -> None:
        self._connection, self._state, self.table = connection, state, table
        self._last, self._is_whole = last, is_whole
        self._rows, self._changes = quote(f"{table} rows"), quote(f"{table} changes")
        self._compare(key)
        self.counts = self._count()
        self.rows_rejected, self._has_rejected = self._count_rejected()

    def _compare(self, key: str) -> None:
        """Keep what differs from the latest version; what was rejected last counts as different."""
        connection = self._connection
        known = rejected = None
        ids = self._column(f"select distinct {key} from {self._rows}")
        if self._last and (ids or self._is_whole):
            known = self._state.latest(self.table, None if self._is_whole else ids, key)
        if self._last and self._last.rows_rejected:
            rejected = self._state.rejected(self.table)
        self._register("known", known, "source_id VARCHAR, row_hash BIGINT, is_deleted BOOLEAN")
        self._register("rejected", rejected, "source_id VARCHAR, reason VARCHAR, record VARCHAR")
        connection.execute(f"""
            create table {self._changes} as
            select rows.*, known.source_id is null as is_new,
                coalesce(not known.is_deleted, false) as was_live
            from {self._rows} as rows
            left join {self._known} as known using (source_id)
            where rows.reason is null and (
                known.row_hash is distinct from rows.row_hash
                or rows.source_id in (select source_id from {self._rejected})
            )
        """)
        if self._is_whole and known is not None:
            self._add_vanished()

    def _register(self, name: str, rows: pa.Table | None, columns: str) -> None:
        table = quote(f"{self.table} {name}")
        self._connection.execute(f"create table {table} ({columns})")
        if rows is not None:
            self._connection.register("fetched", rows)
            names = ", ".join(column.split()[0] for column in columns.split(", "))
            self._connection.execute(f"insert into {table} select {names} from fetched")
            self._connection.unregister("fetched")

    @property
    def _known(self) -> str:
        return quote(f"{self.table} known")

    @property
    def _rejected(self) -> str:
        return quote(f"{self.table} rejected")

    def _add_vanished(self) -> None:
        """A last version, marked as deleted, of each record that the listing no longer has."""
        vanished = self._column(
            f"select source_id from {self._known} where not is_deleted "
            f"and source_id not in (select source_id from {self._rows})"
        )
        if not vanished:
            return
        self._connection.register("gone", self._state.latest_rows(self.table, vanished))
        self._connection.execute(
            f"insert into {self._changes} by name select * replace "
            "(true as is_deleted, null as source_updated_at, ~row_hash as row_hash), "
            "false as is_new, true as was_live from gone"
        )
        self._connection.unregister("gone")

    def _count(self) -> Counts:
        return Counts(
            *self._one(f"""
            select
                count(*) filter (is_new),
                count(*) filter (not is_new and not (was_live and is_deleted)),
                count(*) filter (was_live and is_deleted),
                count(*) filter (not is_deleted) - count(*) filter (was_live)
            from {self._changes}
        """)
        )

    def _count_rejected(self) -> tuple[int, bool]:
        """Rows that are rejected, and whether any of them was not, or not for this, before."""
        total, fresh = self._one(
            f"select count(*), count(*) filter ((source_id, reason, record) not in "
            f"(select (source_id, reason, record) from {self._rejected})) "
            f"from {self._rows} where reason is not null"
        )
        return total, fresh > 0

    @property
    def has_news(self) -> bool:
        """Whether there is anything to append."""
        counts = self.counts
        return counts.new + counts.changed + counts.deleted > 0 or self._has_rejected

    def listed(self) -> int:
        """Live records among the rows, rejected ones included."""
        return self._one(f"select count(*) from {self._rows} where not is_deleted")[0]

    @property
    def rows(self) -> int:
        """Live records after the load."""
        before = self._last.rows if self._last else 0
        return before + self.counts.live

    def report(self) -> TableLoad:
        """The counts."""
        counts = self.counts
        return TableLoad(
            self.table, self.rows, counts.new, counts.changed, counts.deleted, self.rows_rejected
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The versions to append."""
        columns = ", ".join(quote(column.name) for column in TABLES[self.table])
        yield from self._read(f"select {columns} from {self._changes}")

    def rejected_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows to reject that were not rejected before, or for another reason."""
        values = {
            "entity": literal(self.table),
            "source_file": f"{literal(f'{self.table}/')} || source_id",
            "source_line": "null",
        }
        columns = ", ".join(
            f"{values.get(column.name, quote(column.name))} as {quote(column.name)}"
            for column in REJECTED_COLUMNS
        )
        yield from self._read(
            f"select {columns} from {self._rows} where reason is not null and "
            "(source_id, reason, record) not in "
            f"(select (source_id, reason, record) from {self._rejected})"
        )

    def _read(self, sql: str) -> Iterator[pa.RecordBatch]:
        yield from self._connection.cursor().execute(sql).to_arrow_reader(BATCH_ROWS)

    def _column(self, sql: str) -> list[str]:
        return [row[0] for row in self._connection.execute(sql).fetchall()]

    def _one(self, sql: str) -> tuple[int, ...]:
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return row
