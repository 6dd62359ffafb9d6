"""Extracts a files source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract import ENTITIES
from ingestion.duckdb_sql import workbench
from ingestion.errors import SourceError
from ingestion.pipeline import ExtractContext, Extraction, TableLoad
from ingestion.sources.files.casting import Zones
from ingestion.sources.files.catalog import Catalog, Origin, Relation
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.mapping import expressions, map_entity, relate
from ingestion.sources.files.reading import Table, inline_table, read
from ingestion.sources.files.remapping import MAX_GONE, Said, changes, said_of
from ingestion.sources.files.settings import FilesSource
from ingestion.sources.files.tables import EXPORTS, TABLES
from ingestion.sources.files.versions import History, LastExport

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CHECKED, STAGES = "opportunities", "pipeline_stages"
MIN_SHARE = 0.8


@contextmanager
def extract(context: ExtractContext, source: FilesSource) -> Iterator[Extraction]:
    """Read and map the entities whose inputs changed; find their new versions.

    All of them are mapped and compared with the last load before the first row is handed out.
    Raises SourceError naming company file and key.
    """
    with workbench(context.folder / "spill") as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield _Extract(context, source, connection).run()


@dataclass
class _Extract:
    context: ExtractContext
    source: FilesSource
    connection: duckdb.DuckDBPyConnection
    tables: dict[Relation, Table] = field(default_factory=dict)
    digests: dict[Path, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def run(self) -> Extraction:
        history = History(self.context.warehouse, self.context.dataset, self.source.name)
        last = history.last_exports()
        origins = self._origins()
        fingerprints = {name: self._fingerprint(name, origins) for name in self.source.entities}
        changed = [
            name
            for name, fingerprint in fingerprints.items()
            if name not in last or last[name].fingerprint != fingerprint
        ]
        loads = self._load(changed, origins)
        said = {name: self._said(name, origins.get(name)) for name in loads}
        for name, load in loads.items():
            load.compare(history if name in last else None, self.source.entities[name].export)
            if name in origins and name in last:
                self._refuse_remapped(name, load, last[name].said, said[name])
                self._refuse_shrunk(name, load, last[name])
        reports = [
            loads[name].report() if name in loads else _unchanged(name, last[name])
            for name in self.source.entities
        ]
        if not loads:
            return Extraction(tuple(reports), {})
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        exports = [
            {
                "source_instance": self.source.name,
                "fingerprint": fingerprints[name],
                "files": self._described_files(origins.get(name)),
                "mapping": json.dumps(said[name]),
                "extracted_at": now,
                **asdict(load.report()),
            }
            for name, load in loads.items()
        ]
        return Extraction(tuple(reports), _batches(loads, exports), tuple(self.warnings))

    def _origins(self) -> dict[str, Origin]:
        """What each `from` means."""
        catalog = Catalog.of(self.source)
        origins = {}
        for name, mapping in self.source.entities.items():
            if mapping.from_ is not None:
                with self._at(f"entities.{name}.from"):
                    origins[name] = catalog.origin(self.connection, mapping.from_)
        return origins

    def _said(self, name: str, origin: Origin | None) -> Said:
        """What company.yml says of how an entity is read."""
        return said_of(self.source, name, origin, self.context.company.path.parent)

    def _fingerprint(self, name: str, origins: Mapping[str, Origin]) -> str:
        """A hash of all that an entity's rows depend on."""
        names = [name, STAGES] if name == CHECKED else [name]
        inputs = [
            (
                self.source.entities[entity].model_dump(mode="json"),
                [asdict(column) for column in TABLES[entity]],
                [
                    (relation.name, relation.options.model_dump(), path.name, self._digest(path))
                    for relation in (origins[entity].relations if entity in origins else ())
                    for path in relation.files
                ],
            )
            for entity in names
            if entity in self.source.entities
        ]
        text = json.dumps([asdict(self._zones), inputs], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _digest(self, path: Path) -> str:
        """The SHA-256 of a file's content."""
        if path not in self.digests:
            try:
                with path.open("rb") as file:
                    self.digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise SourceError(f"{path}: cannot be read ({error.strerror})") from None
        return self.digests[path]

    def _load(self, names: Sequence[str], origins: Mapping[str, Origin]) -> dict[str, EntityLoad]:
        """Map and check entities. Stages come first: opportunities are checked against them."""
        loads: dict[str, EntityLoad] = {}
        if CHECKED in names and STAGES in self.source.entities:
            loads[STAGES] = self._map(STAGES, origins.get(STAGES))
            loads[STAGES].check(None)
        for name in names:
            if name not in loads:
                loads[name] = self._map(name, origins.get(name))
                loads[name].check(loads.get(STAGES) if name == CHECKED else None)
        return {name: loads[name] for name in names}

    def _map(self, name: str, origin: Origin | None) -> EntityLoad:
        """Read what an entity comes from, and map it."""
        entity, mapping = ENTITIES[name], self.source.entities[name]
        self.context.progress(f"{self.source.name}: reading {name}")
        if origin is None:
            rows, file = mapping.rows or (), self.context.company.path.name
            inline = inline_table(self.connection, f"§rows {name}", rows, file)
            tables, sql = {inline.name: inline}, None
        else:
            tables = {relation.name: self._read(relation) for relation in origin.relations}
            sql = origin.sql
        with self._at(f"entities.{name}.from"):
            rowset = relate(self.connection, f"§from {name}", sql, tables)
        mapped = f"§mapped {name}"
        with self._at(f"entities.{name}"):
            said = map_entity(
                self.connection,
                entity,
                mapping,
                rowset,
                self._zones,
                mapped,
                self.context.company.currency,
            )
            self.warnings += [f"{self.source.name}: {name}: {what}" for what in said]
            has_ids = "source_id" in expressions(entity, mapping, rowset)
        return EntityLoad(
            self.connection,
            self.source.name,
            entity,
            has_ids,
            mapped,
            rowset,
            tuple(tables.values()),
        )

    def _read(self, relation: Relation) -> Table:
        """Read a relation, once."""
        if relation not in self.tables:
            root, folder = self.source.path, self.context.folder
            self.tables[relation] = read(self.connection, relation, root, folder)
        return self.tables[relation]

    @property
    def _zones(self) -> Zones:
        company = self.context.company.timezone
        return Zones(source=self.source.timezone or company, company=company)

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        """Say which key of the company file an error is about."""
        try:
            yield
        except SourceError as error:
            file = self.context.company.path
            raise SourceError(f"{file}: sources.{self.source.name}.{key}: {error}") from None

    def _refuse_remapped(self, name: str, load: EntityLoad, before: Said | None, now: Said) -> None:
        """Stop a load whose changed mapping no longer finds most of the records.

        FORCE=1 does not help: what is taken for a deletion once is one for ever. A row that has
        neither id nor key is its values, so that a change of any of them makes another row.
        """
        is_found_again = load.rows_deleted <= MAX_GONE * load.rows_before
        has_identity = load.has_ids or bool(load.entity.key)
        if is_found_again or not has_identity or before is None or before == now:
            return
        with self._at(f"entities.{name}"):
            raise SourceError(
                f"{load.rows_deleted:,} of {load.rows_before:,} records are gone from this load, "
                f"and how it is read has changed since the last one: "
                f"{'; '.join(changes(before, now))}. What a changed mapping no longer finds was "
                "not deleted, so nothing of this source was loaded. If the mapping is right now, "
                "run with FRESH=1: the company starts anew, and its old warehouse is kept aside. "
                "If the records were deleted, load the export as it was read before, then change "
                "the mapping"
            )

    def _refuse_shrunk(self, name: str, load: EntityLoad, last: LastExport) -> None:
        """Stop a full export that has lost many rows; a broken export would delete records."""
        before = last.rows + last.rows_rejected
        now = load.rows + load.rows_rejected
        is_full = self.source.entities[name].export == "full"
        if is_full and now < MIN_SHARE * before and not self.context.force:
            with self._at(f"entities.{name}"):
                raise SourceError(
                    f"the export has {now:,} rows, the last one had {before:,}. A full export "
                    f"below {MIN_SHARE:.0%} of the last one is refused, and nothing of this source "
                    "was loaded. If it is right, run again with FORCE=1; if it holds only some of "
                    "the records, say so with export: partial"
                )

    def _described_files(self, origin: Origin | None) -> str:
        """The files that were read, as JSON."""
        return json.dumps(
            [
                {
                    "file": path.relative_to(self.source.path).as_posix(),
                    "size": path.stat().st_size,
                    "sha256": self._digest(path),
                }
                for path in (origin.paths if origin else ())
            ]
        )


def _batches(
    loads: Mapping[str, EntityLoad], exports: Sequence[Mapping[str, object]]
) -> dict[str, Iterable[pa.RecordBatch]]:
    """Batches by raw table: the versions of each entity, the rejected rows, the exports."""
    import pyarrow as pa

    rows = [{column.name: row[column.name] for column in EXPORTS} for row in exports]
    return {
        **{name: load.versions() for name, load in loads.items() if load.has_versions},
        "rejected": (batch for load in loads.values() for batch in load.rejected()),
        "exports": [pa.RecordBatch.from_pylist(rows)],
    }


def _unchanged(name: str, last: LastExport) -> TableLoad:
    return TableLoad(name, last.rows, 0, 0, 0, last.rows_rejected, is_unchanged=True)
