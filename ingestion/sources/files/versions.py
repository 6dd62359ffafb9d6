"""Versions of records: what earlier loads left, and what an export changes about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.contract.columns import META_COLUMNS, Entity
from ingestion.contract.raw_columns import RECORD_COLUMNS
from ingestion.sources.files.hidden import POSITION, REASON
from ingestion.sources.files.remapping import Said
from ingestion.warehouse.duckdb_sql import quote, register
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

IDS_PER_QUERY = 10_000


@dataclass(frozen=True)
class LastExport:
    """What the last complete load of an entity recorded of its export.

    `said` is what company.yml said of reading it; None where an older version did not record it.
    `ended` are the files it came from, by whether their last line ended; None likewise.
    """

    fingerprint: str
    rows: int
    rows_rejected: int
    said: Said | None
    ended: Mapping[str, bool | None]

    def was_ended(self, file: str) -> bool:
        """Whether this file ended its last line then, or, where it is new, all others did."""
        known = [self.ended[file]] if file in self.ended else [*self.ended.values()]
        return bool(known) and all(known)


@dataclass(frozen=True)
class History:
    """The versions that complete loads of a source instance left in the raw dataset."""

    warehouse: Warehouse
    dataset: str
    instance: str

    def last_exports(self) -> dict[str, LastExport]:
        """The last export of each entity that has one."""
        present = self.warehouse.columns(self.dataset)
        if not {"exports", "_dlt_loads"} <= present.keys():
            return {}
        mapping = "mapping" if "mapping" in present["exports"] else "null"
        exports = self.warehouse.read(
            f"select entity, fingerprint, rows, rows_rejected, files, {mapping} as mapping "
            f"from {self.dataset}.exports where {self._is_ours} order by _dlt_load_id",
            [self.instance],
        )
        return {
            row["entity"]: LastExport(
                row["fingerprint"],
                row["rows"],
                row["rows_rejected"],
                json.loads(row["mapping"]) if row["mapping"] else None,
                {one["file"]: one.get("is_ended") for one in json.loads(row["files"])},
            )
            for row in exports.to_pylist()
        }

    def latest(self, entity: Entity) -> pa.Table:
        """`source_id`, `row_hash`, `is_deleted` of the latest version of every record."""
        return self._latest(entity, "source_id, row_hash, is_deleted", "")

    def latest_rows(self, entity: Entity, ids: Sequence[str]) -> pa.Table:
        """The latest versions of some records, whole."""
        import pyarrow as pa

        columns = ", ".join(c.name for c in (*RECORD_COLUMNS, *META_COLUMNS, *entity.columns))
        return pa.concat_tables(
            self._latest(entity, columns, f"and source_id in ({', '.join('?' * len(some))})", some)
            for some in (
                ids[start : start + IDS_PER_QUERY] for start in range(0, len(ids), IDS_PER_QUERY)
            )
        )

    def _latest(
        self, entity: Entity, columns: str, condition: str, params: Sequence[str] = ()
    ) -> pa.Table:
        table = f"{self.dataset}.{entity.name}"
        return self.warehouse.read(
            f"select {columns} from {table} join (select source_id, max(_dlt_load_id) as "
            f"_dlt_load_id from {table} where {self._is_ours} {condition} group by source_id) "
            "as latest using (source_id, _dlt_load_id) where source_instance = ?",
            [self.instance, *params, self.instance],
        )

    @property
    def _is_ours(self) -> str:
        """SQL of whether a row is this instance's (a parameter), and its load complete."""
        loads = f"select load_id from {self.dataset}._dlt_loads where status = 0"
        return f"source_instance = ? and _dlt_load_id in ({loads})"


def find_changes(
    connection: duckdb.DuckDBPyConnection, mapped: str, latest: pa.Table, changed: str
) -> None:
    """Make table `changed` of mapped rows that differ from the latest versions.

    Its columns: POSITION, and `is_new` where there is no version yet.
    """
    with register(connection, "§latest", latest):
        connection.execute(f"""
            create table {quote(changed)} as
            select mapped.{POSITION}, latest.source_id is null as is_new
            from {quote(mapped)} as mapped
            left join "§latest" as latest on latest.source_id = mapped.source_id
            where mapped.{REASON} is null and latest.row_hash is distinct from mapped.row_hash
        """)


def vanished_ids(
    connection: duckdb.DuckDBPyConnection,
    mapped: str,
    rejected: str,
    latest: pa.Table,
    is_hashed: bool,
    swallowed: Sequence[str] = (),
) -> list[str]:
    """Ids of records, not deleted before, that an export no longer holds.

    A record whose row was rejected is still there. That may be any record where a rejected row's
    id cannot be known: then those that its text names are held to be there, or all of them where
    ids are hashes of values. So it is with values of rows that may have swallowed records.
    """
    import pyarrow as pa

    named = "true" if is_hashed else "contains(unknown.record, latest.source_id)"
    texts = pa.table({"record": pa.array(swallowed, pa.string())})
    with (
        register(connection, "§latest", latest),
        register(connection, "§swallowed", texts),
    ):
        rows = connection.execute(f"""
            select source_id from "§latest" as latest
            where not is_deleted
                and not exists (
                    select 1 from {quote(mapped)} as mapped
                    where mapped.source_id = latest.source_id)
                and not exists (
                    select 1 from (
                        select record from {quote(rejected)} where source_id is null
                        union all select record from "§swallowed"
                    ) as unknown where {named})
        """).fetchall()
    return [source_id for (source_id,) in rows]
