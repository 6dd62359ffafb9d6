"""Finds what an export changes: new and changed rows, and records that vanished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.contract import EXPORT_COLUMNS, Entity
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True)
class LastExport:
    """The state that an entity's last complete load left."""

    fingerprint: str
    rows: int
    rows_rejected: int


@dataclass(frozen=True)
class History:
    """What earlier loads of a source instance left in the raw dataset."""

    warehouse: Warehouse
    dataset: str
    instance: str

    def last_exports(self) -> dict[str, LastExport]:
        """The last complete export of each entity that has one."""
        present = self.warehouse.columns(self.dataset)
        if not {"exports", "_dlt_loads"} <= present.keys():
            return {}
        found = self.warehouse.read(
            f"select entity, fingerprint, rows, rows_rejected from {self.dataset}.exports "
            f"where source_instance = ? and {self._is_complete} order by _dlt_load_id",
            [self.instance],
        )
        return {
            row["entity"]: LastExport(row["fingerprint"], row["rows"], row["rows_rejected"])
            for row in found.to_pylist()
        }

    def latest(self, entity: Entity) -> pa.Table:
        """source_id, row_hash and is_deleted of the latest version of every record."""
        return self.warehouse.read(
            f"select source_id, row_hash, is_deleted from {self.dataset}.{entity.name} "
            f"join (select source_id, max(_dlt_load_id) as _dlt_load_id "
            f"from {self.dataset}.{entity.name} where source_instance = ? and {self._is_complete} "
            "group by source_id) as latest using (source_id, _dlt_load_id) "
            "where source_instance = ?",
            [self.instance, self.instance],
        )

    @property
    def _is_complete(self) -> str:
        return (
            f"_dlt_load_id in (select load_id from {self.dataset}._dlt_loads where status = 0)"
        )
