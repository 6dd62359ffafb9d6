"""What earlier loads of a portal left in the raw dataset."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.sources.hubspot.tables import TABLES
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class LastLoad:
    """The state that the last complete load left of one table.

    `properties` are the property types by name that were then asked for, as HubSpot names them.
    """

    fingerprint: str
    rows: int
    rows_rejected: int
    synced_to: dt.datetime
    properties: Mapping[str, str]


@dataclass(frozen=True)
class RawState:
    """Reads the versions of one source instance. Rows of unfinished loads do not exist."""

    warehouse: Warehouse
    dataset: str
    instance: str

    def last_loads(self) -> dict[str, LastLoad]:
        """The last complete load of each table; empty before the first one."""
        if not {"exports", "_dlt_loads"} <= self.warehouse.columns(self.dataset).keys():
            return {}
        found = self.warehouse.read(
            "select entity, fingerprint, rows, rows_rejected, synced_to, files "
            f"from {self.dataset}.exports where {self._is_ours} order by _dlt_load_id",
            [self.instance],
        )
        return {
            row["entity"]: LastLoad(
                row["fingerprint"], row["rows"], row["rows_rejected"], row["synced_to"],
                json.loads(row["files"])["properties"],
            )
            for row in found.to_pylist()
        }  # fmt: skip

    def latest(
        self, table: str, ids: Sequence[str] | None = None, key: str = "source_id"
    ) -> pa.Table:
        """source_id, row_hash, is_deleted, source_updated_at of the latest versions.

        With `ids`, only of the rows whose `key` is among them.
        """
        columns = "source_id, row_hash, is_deleted, source_updated_at"
        return self._latest(table, columns, ids, key)

    def latest_rows(self, table: str, ids: Sequence[str]) -> pa.Table:
        """All columns of the latest versions of some records."""
        columns = ", ".join(f'"{column.name}"' for column in TABLES[table])
        return self._latest(table, columns, ids, "source_id")

    def archived(self, table: str) -> pa.Table:
        """source_id and source_updated_at of the versions that say that a record is archived."""
        return self.warehouse.read(
            f"select source_id, source_updated_at from {self.dataset}.{table} "
            f"where {self._is_ours} and is_deleted",
            [self.instance],
        )

    def rejected(self, table: str) -> pa.Table:
        """source_id, reason, record of the records rejected since their last good version."""
        return self.warehouse.read(
            "select distinct source_id, reason, record "
            f"from {self.dataset}.rejected as rejected where {self._is_ours} and entity = ? "
            f"and not exists (select 1 from {self.dataset}.{table} as good "
            "where good.source_instance = rejected.source_instance "
            "and good.source_id = rejected.source_id "
            "and good._dlt_load_id > rejected._dlt_load_id "
            f"and {self._is_complete('good')})",
            [self.instance, table],
        )

    def _latest(self, table: str, columns: str, ids: Sequence[str] | None, key: str) -> pa.Table:
        among = "" if ids is None else f"and {key} = any(?)"
        return self.warehouse.read(
            f"select {columns} from (select *, row_number() over (partition by source_id "
            f"order by _dlt_load_id desc) as recency from {self.dataset}.{table} "
            f"where {self._is_ours} {among}) as versions where recency = 1",
            [self.instance] if ids is None else [self.instance, list(ids)],
        )

    @property
    def _is_ours(self) -> str:
        return f"source_instance = ? and {self._is_complete()}"

    def _is_complete(self, table: str = "") -> str:
        prefix = f"{table}." if table else ""
        return (
            f"{prefix}_dlt_load_id in "
            f"(select load_id from {self.dataset}._dlt_loads where status = 0)"
        )
