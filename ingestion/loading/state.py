"""What earlier loads of a source left in its raw dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES
from ingestion.loading.moments import LOAD_ID, LOADS, is_finished
from ingestion.loading.reports import TableLoad
from ingestion.warehouse.duckdb_sql import quote
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class LastExport:
    """What the last finished load of a table recorded of it in `exports`.

    `row` is all of it by column; columns that an older version did not record are not there.
    """

    table: str
    fingerprint: str
    rows: int
    rows_rejected: int
    row: Mapping[str, Any]

    def unchanged(self) -> TableLoad:
        """The counts of a load that finds all as it was."""
        return TableLoad(self.table, self.rows, 0, 0, 0, self.rows_rejected, is_unchanged=True)


@dataclass(frozen=True)
class RawState:
    """Reads the versions of one source instance. Rows of unfinished loads do not exist.

    `tables` are the columns of the dataset's tables.
    """

    warehouse: Warehouse
    dataset: str
    instance: str
    tables: Mapping[str, tuple[Column, ...]]

    def last_exports(self) -> dict[str, LastExport]:
        """The last export of each table that has one."""
        if not {"exports", LOADS} <= self.warehouse.columns(self.dataset).keys():
            return {}
        exports = self.warehouse.read(
            f"select * from {self.dataset}.exports where {self._is_ours} order by {LOAD_ID}",
            [self.instance],
        )
        return {
            row["entity"]: LastExport(
                row["entity"], row["fingerprint"], row["rows"], row["rows_rejected"], row
            )
            for row in exports.to_pylist()
        }

    def latest(
        self, table: str, ids: Sequence[str] | None = None, key: str = "source_id"
    ) -> pa.Table:
        """`source_id`, `row_hash`, `is_deleted` of the latest version of every record.

        With `ids`, only of the records whose `key` is among them.
        """
        return self._latest(table, ("source_id", "row_hash", "is_deleted"), ids, key)

    def latest_where(self, table: str, condition: str, also: Sequence[str] = ()) -> pa.Table:
        """As `latest`, of the records whose rows meet a condition (SQL), with other columns, too.

        The condition is on what no version of a record changes.
        """
        columns = ("source_id", "row_hash", "is_deleted", *also)
        return self._among(table, columns, f"and ({condition})", [])

    def latest_rows(self, table: str, ids: Sequence[str]) -> pa.Table:
        """All declared columns of the latest versions of some records; new ones are empty."""
        present = self.warehouse.columns(self.dataset)[table]
        columns = [
            quote(column.name)
            if column.name in present
            else f"cast(null as {TYPES[column.type].sql}) as {quote(column.name)}"
            for column in self.tables[table]
        ]
        return self._latest(table, columns, ids)

    def where(self, table: str, condition: str) -> set[str]:
        """Ids of the records whose latest version is not deleted and meets a condition (SQL)."""
        columns = ("source_id", f"is_deleted is not true and ({condition}) as is_so")
        found = self._latest(table, columns, None).to_pylist()
        return {row["source_id"] for row in found if row["is_so"]}

    def some_record(self, table: str) -> str | None:
        """The id of a record that was there in some load, the same one each time; if any was."""
        [row] = self.warehouse.read(
            f"select max(source_id) as id from {self.dataset}.{table} "
            f"where {self._is_ours} and is_deleted is not true",
            [self.instance],
        ).to_pylist()
        return None if row["id"] is None else str(row["id"])

    def deletions(self, table: str) -> pa.Table:
        """`source_id`, `source_updated_at` of the versions that say that a record is deleted."""
        return self.warehouse.read(
            f"select source_id, source_updated_at from {self.dataset}.{table} "
            f"where {self._is_ours} and is_deleted",
            [self.instance],
        )

    def rejected(self, table: str) -> pa.Table:
        """`source_id`, `reason`, `record` of the rows rejected since their last good version."""
        return self.warehouse.read(
            "select distinct source_id, reason, record "
            f"from {self.dataset}.rejected as rejected where {self._is_ours} and entity = ? "
            f"and not exists (select 1 from {self.dataset}.{table} as good "
            "where good.source_instance = rejected.source_instance "
            "and good.source_id = rejected.source_id "
            f"and good.{LOAD_ID} > rejected.{LOAD_ID} and {is_finished(self.dataset, 'good')})",
            [self.instance, table],
        )

    def rejected_by(self, last: LastExport) -> pa.Table:
        """The rows that the last load of a table rejected."""
        return self.warehouse.read(
            "select source_id, source_file, source_line, reason, record "
            f"from {self.dataset}.rejected where {self._is_ours} and entity = ? "
            f"and {LOAD_ID} = ?",
            [self.instance, last.table, last.row[LOAD_ID]],
        )

    def _latest(
        self,
        table: str,
        columns: Sequence[str],
        ids: Sequence[str] | None,
        key: str = "source_id",
    ) -> pa.Table:
        if ids is None:
            return self._among(table, columns, "", [])
        named = f"and {key} in (select unnest(cast(? as varchar[])))"
        return self._among(table, columns, named, [list(ids)])

    def _among(
        self, table: str, columns: Sequence[str], among: str, named: list[object]
    ) -> pa.Table:
        table = f"{self.dataset}.{table}"
        return self.warehouse.read(
            f"select {', '.join(columns)} from {table} join ("
            f"select source_id, max({LOAD_ID}) as {LOAD_ID} from {table} "
            f"where {self._is_ours} {among} group by source_id"
            f") as latest using (source_id, {LOAD_ID}) where source_instance = ?",
            [self.instance, *named, self.instance],
        )

    @property
    def _is_ours(self) -> str:
        """SQL of whether a row is this instance's (a parameter), and its load finished."""
        return f"source_instance = ? and {is_finished(self.dataset)}"
