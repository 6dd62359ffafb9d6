"""Extracts a files source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ingestion.company import EntityMapping, FilesSource
from ingestion.contract import (
    ENTITIES,
    EXPORT_COLUMNS,
    META_COLUMNS,
    RECORD_COLUMNS,
    REJECTED_COLUMNS,
    Column,
)
from ingestion.errors import SourceError
from ingestion.pipeline import ExtractContext, Extraction, TableLoad
from ingestion.sources.files.casting import Zones
from ingestion.sources.files.catalog import Catalog, Origin, Relation
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.mapping import map_entity, relate
from ingestion.sources.files.reading import Table, inline_table, read
from ingestion.sources.files.versions import History, LastExport

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        **{
            entity.name: (*RECORD_COLUMNS, *META_COLUMNS, *entity.columns)
            for entity in ENTITIES.values()
        },
        "rejected": REJECTED_COLUMNS,
        "exports": EXPORT_COLUMNS,
    }
)
"""The tables of the raw dataset: every canonical entity, and the record of the loads."""

STAGES = "pipeline_stages"
MIN_SHARE = 0.8


@contextmanager
def extract(context: ExtractContext, source: FilesSource) -> Iterator[Extraction]:
    """Read and map the entities whose inputs changed; find their new versions.

    All of them are mapped, and their sizes checked, before the first row is handed out. Raises
    SourceError naming company file and key.
    """
    import duckdb

    with duckdb.connect(config={"temp_directory": str(context.folder / "spill")}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield _Extract(context, source, connection).run()


@dataclass
class _Extract:
    context: ExtractContext
    source: FilesSource
    connection: duckdb.DuckDBPyConnection
    tables: dict[Relation, Table] = field(default_factory=dict)
    digests: dict[Path, str] = field(default_factory=dict)

    def run(self) -> Extraction:
        history = History(self.context.warehouse, self.context.dataset, self.source.name)
        last = history.last_exports()
        origins = self._origins()
        prints = self._fingerprints(origins)
        changed = [
            name
            for name in self.source.entities
            if name not in last or last[name].fingerprint != prints[name]
        ]
        loads = {name: self._load(name, origins.get(name)) for name in self._in_order(changed)}
        for name in changed:
            self._refuse_shrunk(name, loads[name], last.get(name))
            loads[name].compare(history if name in last else None)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        return Extraction(
            tuple(
                loads[name].report() if name in changed else _unchanged(name, last[name])
                for name in self.source.entities
            ),
            self._batches({name: loads[name] for name in changed}, prints, origins, now),
        )

    def _origins(self) -> dict[str, Origin]:
        catalog = Catalog.of(self.source)
        origins = {}
        for name, mapping in self.source.entities.items():
            if mapping.from_ is not None:
                with self._at(f"entities.{name}.from"):
                    origins[name] = catalog.origin(self.connection, mapping.from_)
        return origins

    def _fingerprints(self, origins: Mapping[str, Origin]) -> dict[str, str]:
        """What each entity's rows depend on, hashed."""
        prints = {}
        for name, mapping in self.source.entities.items():
            inputs = [
                mapping.model_dump(mode="json"),
                [asdict(column) for column in TABLES[name]],
                self._zones.source,
                self._zones.company,
                [
                    (relation.name, relation.options.model_dump(), self._digest(file), file.name)
                    for relation in (origins[name].relations if name in origins else ())
                    for file in relation.files
                ],
            ]
            if name == "opportunities" and STAGES in self.source.entities:
                inputs.append(self.source.entities[STAGES].model_dump(mode="json"))
            prints[name] = hashlib.sha256(json.dumps(inputs, default=str).encode()).hexdigest()
        return prints

    def _digest(self, file: Path) -> str:
        if file not in self.digests:
            with file.open("rb") as data:
                self.digests[file] = hashlib.file_digest(data, "sha256").hexdigest()
        return self.digests[file]

    def _in_order(self, changed: list[str]) -> list[str]:
        """Stages first: opportunities are checked against them."""
        needed = set(changed)
        if "opportunities" in needed and STAGES in self.source.entities:
            needed.add(STAGES)
        return sorted(needed, key=lambda name: name != STAGES)

    def _load(self, name: str, origin: Origin | None) -> EntityLoad:
        """Read what an entity comes from, and map it."""
        entity, mapping = ENTITIES[name], self.source.entities[name]
        self.context.progress(f"{self.source.name}: reading {name}")
        if origin is None:
            assert mapping.rows is not None
            table = inline_table(self.connection, f"§rows {name}", mapping.rows, self.company_file)
            tables, sql = {table.name.lower(): table}, None
        else:
            tables = {r.name.lower(): self._read(r) for r in origin.relations}
            sql = origin.sql
        with self._at(f"entities.{name}.from"):
            relation = relate(self.connection, f"§from {name}", sql, tables)
        with self._at(f"entities.{name}"):
            map_entity(
                self.connection, entity, mapping, relation, self._zones, f"§mapped {name}"
            )
        load = EntityLoad(
            self.connection,
            entity,
            mapping.export,
            self.source,
            relation,
            f"§mapped {name}",
            tuple(tables.values()),
        )
        load.check(has_stages=STAGES in self.source.entities)
        return load

    @property
    def company_file(self) -> Path:
        return self.context.company.path

    @property
    def _zones(self) -> Zones:
        company = self.context.company.timezone
        return Zones(self.source.timezone or company, company)

    def _read(self, relation: Relation) -> Table:
        if relation not in self.tables:
            self.tables[relation] = read(self.connection, relation, self.context.folder)
        return self.tables[relation]

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        """Say where in company.yml the cause of an error is."""
        try:
            yield
        except SourceError as error:
            raise SourceError(
                f"{self.company_file}: sources.{self.source.name}.{key}: {error}"
            ) from None

    def _refuse_shrunk(self, name: str, load: EntityLoad, last: LastExport | None) -> None:
        before = last.rows + last.rows_rejected if last else 0
        now = load.rows + load.rows_rejected
        if load.export == "full" and now < MIN_SHARE * before and not self.context.force:
            raise SourceError(
                f"{self.company_file}: sources.{self.source.name}.entities.{name}: the export has "
                f"{now:,} rows, the last one had {before:,}; a full export that shrinks below "
                f"{MIN_SHARE:.0%} is refused, and nothing of this source was loaded. If it is "
                "right, run again with FORCE=1; if it holds only some of the records, set "
                "export: partial"
            )

    def _batches(
        self,
        loads: Mapping[str, EntityLoad],
        prints: Mapping[str, str],
        origins: Mapping[str, Origin],
        now: dt.datetime,
    ) -> dict[str, Iterator[pa.RecordBatch]]:
        if not loads:
            return {}
        batches = {name: load.batches() for name, load in loads.items() if load.has_versions}
        batches["rejected"] = (b for load in loads.values() for b in load.rejected_batches())
        batches["exports"] = iter(
            [
                _export_row(self.source.name, load, prints[name], self._files(origins.get(name)), now)
                for name, load in loads.items()
            ]
        )
        return batches

    def _files(self, origin: Origin | None) -> str:
        files = sorted({f for r in origin.relations for f in r.files}) if origin else []
        return json.dumps(
            [
                {
                    "file": file.relative_to(self.source.path).as_posix(),
                    "size": file.stat().st_size,
                    "sha256": self._digest(file),
                }
                for file in files
            ]
        )


def _export_row(
    instance: str, load: EntityLoad, fingerprint: str, files: str, now: dt.datetime
) -> pa.RecordBatch:
    import pyarrow as pa

    counts = asdict(load.report())
    row = {
        "source_instance": instance,
        "fingerprint": fingerprint,
        "files": files,
        "extracted_at": now,
        **counts,
    }
    return pa.RecordBatch.from_pylist([{c.name: row[c.name] for c in EXPORT_COLUMNS}])


def _unchanged(name: str, last: LastExport) -> TableLoad:
    return TableLoad(name, last.rows, 0, 0, 0, last.rows_rejected, is_unchanged=True)
