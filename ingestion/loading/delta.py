"""What of the records that an API gave is new: versions to append, and rows to reject.

Lists are read whole, or only what changed since the last load: then what is not among the rows is
as it was, and so is what was rejected before. Or they are whole within a scope, such as some days
of some accounts: what is outside of it is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ingestion.contract.raw_columns import REJECTED_COLUMNS
from ingestion.loading.reports import TableLoad
from ingestion.loading.restated import Scope
from ingestion.loading.state import LastExport, RawState
from ingestion.loading.versions import BATCH_ROWS, Versions
from ingestion.warehouse.duckdb_sql import literal, one_row, quote, register

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Delta:
    """Compares table `<table> rows` with the latest versions in raw.

    The rows have the raw table's columns, `reason` (none: the row is good) and `record`. They are
    all records of a list when `is_whole`: what is not among them has vanished. Where there is a
    scope, they are all records `within` it, and no others. Rows are compared with those of the same
    `key`.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        state: RawState,
        table: str,
        last: LastExport | None,
        is_whole: bool,
        key: str = "source_id",
        within: Scope | None = None,
    ) -> None:
        self._within = within
        self._connection, self._state, self.table = connection, state, table
        self._last = last
        self._rows, self._before = quote(f"{table} rows"), quote(f"{table} rejected before")
        self._keep_rejected()
        self._versions = Versions(connection, f"{table} rows", state.tables[table])
        self._latest = self._known(is_whole, key)
        self._versions.compare(self._latest, again=self._is_rejected_no_more)
        self.rows_vanished = self._bury_vanished() if is_whole else 0
        self.rows_rejected, self._fresh = self._count_rejected()

    def _keep_rejected(self) -> None:
        """Make a table of what was rejected before and is not good since."""
        create = f"create table {self._before}"
        if self._last and self._last.rows_rejected:
            with register(self._connection, "fetched", self._state.rejected(self.table)):
                self._connection.execute(
                    f"{create} as select source_id, reason, record from fetched"
                )
        else:
            self._connection.execute(
                f"{create} (source_id VARCHAR, reason VARCHAR, record VARCHAR)"
            )

    def _known(self, is_whole: bool, key: str) -> pa.Table | None:
        """The latest versions of the rows' records, or of all; None where there can be none."""
        if self._last is None:
            return None
        if self._within:
            return self._state.latest_where(self.table, self._within.sql(), ["account"])
        if is_whole:
            return self._state.latest(self.table)
        found = self._connection.execute(f"select distinct {key} from {self._rows}").fetchall()
        return self._state.latest(self.table, [name for (name,) in found], key) if found else None

    @property
    def _is_rejected_no_more(self) -> str:
        """SQL of whether a row that is good was rejected before: raw must have it once more."""
        return f"rows.source_id in (select source_id from {self._before})"

    def _bury_vanished(self) -> int:
        vanished = self._versions.vanished()
        if vanished:
            self._versions.bury(self._state.latest_rows(self.table, vanished))
        return len(vanished)

    def _count_rejected(self) -> tuple[int, int]:
        """Rows that are rejected, and those of them that were not, or not for this, before."""
        total, fresh = one_row(
            self._connection,
            f"select count(*), count(*) filter ({self._is_fresh}) from {self._rows} "
            "where reason is not null",
        )
        return total + self._rejected_outside(), fresh

    def _rejected_outside(self) -> int:
        """Rows that were rejected before and are not within the scope, so none was read again."""
        if not self._within:
            return 0
        account, day = (f"json_extract_string(record, '$.{name}')" for name in ("account", "day"))
        is_within = self._within.sql(account, f"try_cast({day} as date)")
        query = f"select count(*) from {self._before} where ({is_within}) is not true"
        return int(one_row(self._connection, query)[0])

    @property
    def _is_fresh(self) -> str:
        known = f"select (source_id, reason, record) from {self._before}"
        return f"(source_id, reason, record) not in ({known})"

    @property
    def has_news(self) -> bool:
        """Whether there is anything to append."""
        report = self.report()
        return report.rows_new + report.rows_changed + report.rows_deleted + self._fresh > 0

    def listed(self) -> int:
        """Live records among the rows, rejected ones included."""
        query = f"select count(*) from {self._rows} where not is_deleted"
        return int(one_row(self._connection, query)[0])

    def shrunk_to(self) -> Iterator[tuple[str, int, int]]:
        """By account of the scope: records known before that the rows still have, and all known.

        Rows that are new make up for none that is lost.
        """
        if self._latest is None:
            return
        with register(self._connection, "known before", self._latest):
            found = self._connection.execute(f"""
                with told as (select distinct source_id from {self._rows} where not is_deleted)

                select known.account, count(told.source_id), count(*)
                from "known before" as known
                left join told on known.source_id = told.source_id
                where known.is_deleted is not true
                group by known.account
                order by known.account
            """)
            yield from found.fetchall()

    def report(self) -> TableLoad:
        """The counts; `rows` are the live records after the load."""
        counts = self._versions.counts
        before = self._last.rows if self._last else 0
        return TableLoad(
            self.table,
            rows=before + counts.live - self.rows_vanished,
            rows_new=counts.new,
            rows_changed=counts.changed,
            rows_deleted=counts.deleted + self.rows_vanished,
            rows_rejected=self.rows_rejected,
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The versions to append."""
        yield from self._versions.batches()

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
        query = f"select {columns} from {self._rows} where reason is not null and {self._is_fresh}"
        yield from self._connection.cursor().execute(query).to_arrow_reader(BATCH_ROWS)
