"""Files read and mapped to an entity, but not loaded: all that a test of values needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingestion.contract.entities import ENTITIES
from ingestion.sources.files.catalog import Catalog
from ingestion.sources.files.hidden import POSITION, REASON
from ingestion.sources.files.mapping.mapping import map_entity
from ingestion.sources.files.mapping.rowset import relate
from ingestion.sources.files.reading import read
from ingestion.sources.files.settings import FilesSource
from ingestion.sources.files.values.casting import Zones

UTC = Zones("UTC", "UTC")


@dataclass(frozen=True)
class Mapped:
    """Rows in their order, each with the REASON why it is rejected, and what the mapping says."""

    rows: list[dict[str, Any]]
    reasons: list[str | None]
    said: tuple[str, ...]

    def good(self, column: str) -> list[Any]:
        """A column's values in rows that are not rejected."""
        return [
            row[column] for row, why in zip(self.rows, self.reasons, strict=True) if why is None
        ]

    @property
    def bad(self) -> list[str]:
        """The reasons of rows that are rejected."""
        return [why for why in self.reasons if why is not None]


def map_files(
    folder: Path,
    entity: str,
    from_: str,
    columns: Mapping[str, str],
    *,
    zones: Zones = UTC,
    currency: str = "USD",
    **source: Any,
) -> Mapped:
    """Map files of a folder as a source with further keys would. Raises SourceError."""
    entities = {entity: {"from": from_, "columns": dict(columns)}}
    settings = {"name": "crm", "type": "files", "path": folder, "entities": entities, **source}
    files = FilesSource.model_validate(settings)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        origin = Catalog.of(files).origin(connection, from_)
        tables = {r.name: read(connection, r, folder, work) for r in origin.relations}
        rowset = relate(connection, "§from", origin.sql, tables)
        mapping = files.entities[entity]
        spec = ENTITIES[entity]
        said = map_entity(connection, spec, mapping, rowset, zones, "§mapped", currency)
        ordered = connection.execute(f'from "§mapped" order by {POSITION}').to_arrow_table()
    found = ordered.to_pylist()
    reasons = [row[REASON.strip('"')] for row in found]
    return Mapped(found, reasons, said)
