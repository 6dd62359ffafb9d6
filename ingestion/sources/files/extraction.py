"""Extracts a files source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.errors import Gathered, SourceError
from ingestion.loading.exports import Export, exports_batch
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck, TableCheck
from ingestion.loading.state import RawState
from ingestion.sources.files.arrival import PATIENCE, REST, Stamp, refuse_changed, stamps_at_rest
from ingestion.sources.files.catalog import Catalog, Origin
from ingestion.sources.files.confinement import bounded, confine
from ingestion.sources.files.copies import unread_copies
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.fingerprints import Digests, fingerprint
from ingestion.sources.files.guards import refuse, told_of_shift
from ingestion.sources.files.histories import HISTORIES, check_values
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.mapping import map_entity
from ingestion.sources.files.mapping.rowset import RowSet, relate
from ingestion.sources.files.reading import Table, inline_table
from ingestion.sources.files.remapping import Said, said_of
from ingestion.sources.files.settings import EntityMapping, FilesSource, Input
from ingestion.sources.files.shapes.inputs import add_problems, inputs, needs, united
from ingestion.sources.files.shapes.settings import Status
from ingestion.sources.files.shapes.shaping import Shaping
from ingestion.sources.files.shapes.statuses import make_stages
from ingestion.sources.files.tables import EXPORTS, tables_of
from ingestion.sources.files.usable import UsableTables
from ingestion.sources.files.values.casting import Zones
from ingestion.warehouse.duckdb_sql import workbench

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CHECKED, STAGES = "opportunities", "pipeline_stages"


@contextmanager
def extract(context: ExtractContext, source: FilesSource) -> Iterator[Extraction]:
    """Read and map the entities whose inputs changed; find their new versions.

    All of them are mapped and compared with the last load before the first row is handed out.
    Raises SourceError naming company file and key of all that is wrong.
    """
    with _begun(context, source) as begun:
        yield begun.run()


def check(context: ExtractContext, source: FilesSource) -> SourceCheck:
    """Read and map all entities, and tell what a load would make of them."""
    with _begun(context, source) as begun:
        return begun.check()


@contextmanager
def _begun(context: ExtractContext, source: FilesSource) -> Iterator[_Extract]:
    with workbench(context.folder / "spill") as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield _Extract(context, source, connection)


@dataclass(frozen=True)
class _Found:
    """An input of an entity by its key, and what its `from` means, where it has one."""

    key: str
    said: Input
    origin: Origin | None


@dataclass
class _Extract:
    context: ExtractContext
    source: FilesSource
    connection: duckdb.DuckDBPyConnection
    digests: Digests = field(default_factory=Digests)
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    wrong: Gathered = field(default_factory=Gathered)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        context, self.entities = self.context, self.context.company.entities
        declared = tables_of(self.entities)
        self.state = RawState(context.warehouse, context.dataset, self.source.name, declared)
        self.last = self.state.last_exports()
        self.tables = UsableTables(self.connection, self.source.path, context.folder, self._tell)
        self.found = self._find()
        self.origins = {
            name: origin for name, found in self.found.items() if (origin := _together(found))
        }
        confine(self.connection, sorted(self._paths), [self.context.folder])
        if self._paths:
            self.warnings += unread_copies(self._catalog, self._paths)

    def run(self) -> Extraction:
        """Load what changed."""
        self._await_files(PATIENCE)
        fingerprints = self._fingerprints()
        changed = [
            name
            for name, fingerprint in fingerprints.items()
            if name not in self.last or self.last[name].fingerprint != fingerprint
        ]
        said = {name: self._said(name) for name in changed}
        loads = self._load(changed, said)
        with self.wrong.each():
            refuse_changed(self.stamps)
        rejected = self._rejected(loads)
        self.wrong.raise_any(rejected)
        reports = [
            loads[name].report() if name in loads else self.last[name].unchanged()
            for name in self.source.entities
        ]
        if not loads:
            return Extraction(tuple(reports), {}, tuple(self.warnings))
        exports = [
            Export(
                load.report(),
                fingerprints[name],
                self._described_files(name, load),
                {"mapping": json.dumps(said[name])},
            )
            for name, load in loads.items()
        ]
        batches: dict[str, Iterable[pa.RecordBatch]] = {
            **{name: load.versions() for name, load in loads.items() if load.has_versions},
            "rejected": (batch for load in loads.values() for batch in load.rejected()),
            "exports": [exports_batch(EXPORTS, self.source.name, exports)],
        }
        return Extraction(tuple(reports), batches, tuple(self.warnings), rejected)

    def check(self) -> SourceCheck:
        """Find out what a load would do, with all entities."""
        self._await_files(REST)
        loads = self._load([*self.found], {name: self._said(name) for name in self.found})
        with self.wrong.each():
            refuse_changed(self.stamps)
        return SourceCheck(
            self.source.name,
            self.source.type,
            str(self.source.path),
            tuple(TableCheck(it.report(), it.files, it.rules()) for it in loads.values()),
            tuple(dict.fromkeys(self.wrong.problems)),
            self._rejected(loads),
            tuple(self.warnings),
        )

    def _rejected(self, loads: Mapping[str, EntityLoad]) -> tuple[str, ...]:
        """What is rejected, by entity and rule, in words of the company file."""
        place = f"{self.context.company.path}: sources.{self.source.name}.entities"
        return tuple(
            f"{place}.{name}: rejected: {rule}"
            for name, load in loads.items()
            if load.rows_rejected
            for rule in load.rules()
        )

    def _find(self) -> dict[str, list[_Found]]:
        """The inputs of the entities whose files can be found."""
        found = {}
        for name, mapping in self.source.entities.items():
            with self.wrong.each():
                found[name] = [
                    _Found(key, said, self._origin(key, said))
                    for key, said in _inputs(name, mapping)
                ]
        return found

    @cached_property
    def _paths(self) -> frozenset[Path]:
        """The files that are read."""
        return frozenset(path for origin in self.origins.values() for path in origin.paths)

    def _await_files(self, seconds: float) -> None:
        """Wait for files that are being written, and keep how all of them stand then."""

        def waiting(files: Iterable[Path]) -> None:
            names = ", ".join(file.name for file in files)
            self.context.progress(f"{self.source.name}: waiting for {names}, just written")

        with self.wrong.each():
            self.stamps = stamps_at_rest(sorted(self._paths), seconds, waiting)

    def _origin(self, key: str, said: Input) -> Origin | None:
        """What the `from` of an input means, where it has one."""
        if said.from_ is None:
            return None
        catalog = self._catalog
        with self._at(f"{key}.from"):
            return catalog.origin(self.connection, said.from_, said.options)

    @cached_property
    def _catalog(self) -> Catalog:
        with self._at("path"):
            return Catalog.of(self.source)

    @property
    def _status(self) -> Status | None:
        """What is said of a status beside the stage."""
        deals = self.source.entities.get(CHECKED)
        said = [one.status for one in inputs(deals) if one.status] if deals else []
        return said[0] if said else None

    def _said(self, name: str) -> Said:
        """What company.yml says of how an entity is read."""
        origin = self.origins.get(name)
        return said_of(self.source, name, origin, self.context.company.path.parent)

    def _fingerprints(self) -> dict[str, str]:
        """The fingerprints of the entities whose files can be found and read."""
        fingerprints = {}
        for name in self.found:
            with self.wrong.each():
                fingerprints[name] = self._fingerprint(name)
        return fingerprints

    def _fingerprint(self, name: str) -> str:
        names = [name, *needs(self.source.entities, name)]
        status = self._status if STAGES in names else None
        declared = {name: self.state.tables[name] for name in names}
        return fingerprint(self.source, declared, self.origins, self._zones, status, self.digests)

    def _load(self, names: Sequence[str], said: Mapping[str, Said]) -> dict[str, EntityLoad]:
        """Map and check entities, and compare them with the last load; keep what is wrong.

        Entities come after those that they need: deals, after their stages.
        """
        loads: dict[str, EntityLoad] = {}
        ordered = [one for name in names for one in (*needs(self.source.entities, name), name)]
        for name in filter(self.found.__contains__, dict.fromkeys(ordered)):
            is_shaped = not all(one.said.is_plain for one in self.found[name])
            if is_shaped and not loads.keys() >= {*needs(self.source.entities, name)}:
                continue  # What it needs is wrong, and told.
            with self.wrong.each():
                load = self._map(name, loads)
                load.check(loads.get(STAGES) if name == CHECKED else None)
                loads[name] = load
        loads = {name: loads[name] for name in names if name in loads}
        for name, load in loads.items():
            with self.wrong.each():
                self._compare(name, load, said[name])
            self.warnings += load.warnings
        return loads

    def _compare(self, name: str, load: EntityLoad, said: Said) -> None:
        """Compare an entity with its last load. Raises SourceError where it cannot be right."""
        last, mapping = self.last.get(name), self.source.entities[name]
        load.compare(self.state if last else None, mapping.export)
        if last and name in self.origins:
            with self._at(f"entities.{name}"):
                refuse(load, last, said, mapping, self.context.force)
            self.warnings += told_of_shift(load, last, said, mapping)

    def _map(self, name: str, loads: Mapping[str, EntityLoad]) -> EntityLoad:
        """Read what an entity comes from, shape and map it, beside those that are mapped."""
        mapping = self.source.entities[name]
        entity = self.entities[name]
        entity = replace(entity, key=mapping.key or entity.key)
        self.context.progress(f"{self.source.name}: reading {name}")
        mapped = f"§mapped {name}"
        tables: dict[str, Table] = {}
        parts: list[tuple[str, RowSet]] = []
        with_ids: list[bool] = []
        made = self._status if name == STAGES else None
        shaping = Shaping(
            self.connection, self._zones, {one: load.mapped for one, load in loads.items()}
        )
        for number, found in enumerate(self.found[name]):
            own = self._tables(name, entity, found)
            tables |= {table.name: table for table in own.values()}
            sql = found.origin.sql if found.origin else None
            with self._bounded(f"{found.key}.from"):
                rowset = relate(self.connection, f"§from {name} {number}", sql, own)
            part = f"{mapped} {number}" if mapping.also or made else mapped
            with self._bounded(found.key):
                shaped, rowset = shaping.shaped(entity, found.said, rowset, f"{name} {number}")
                told = map_entity(
                    self.connection,
                    entity,
                    shaped,
                    rowset,
                    self._zones,
                    part,
                    self.context.company.currency,
                )
                add_problems(self.connection, part, rowset)
                used = expressions(entity, shaped, rowset)
                if name == HISTORIES:
                    told += check_values(self.connection, part, rowset, used, self._zones)
                self.warnings += [f"{name}: {note}" for note in told]
                with_ids.append("source_id" in used)
            parts.append((part, rowset))
        if made:
            parts.append(self._made_stages(parts, made))
        rowset = united(self.connection, parts, mapped, f"§rows of {name}")
        self.warnings += shaping.warnings
        has_ids = all(with_ids)
        return EntityLoad(
            self.connection,
            self.source.name,
            entity,
            has_ids,
            not has_ids and (bool(mapping.key) or not entity.key),
            mapped,
            rowset,
            tuple(tables.values()),
        )

    def _made_stages(
        self, parts: Sequence[tuple[str, RowSet]], status: Status
    ) -> tuple[str, RowSet]:
        """The closed stages that a status beside the stage needs and mapped stages lack."""
        united(self.connection, parts, "§known stages", "§rows of known stages")
        rowset = make_stages(self.connection, "§known stages", "§made stages", status)
        said = Input.model_validate({"from": "stages"})
        map_entity(
            self.connection, self.entities[STAGES], said, rowset, self._zones, "§mapped made stages"
        )
        return "§mapped made stages", rowset

    def _tables(self, name: str, entity: Entity, found: _Found) -> dict[str, Table]:
        """The tables that an input is read from, by the names that its SQL calls them."""
        said, origin = found.said, found.origin
        if origin is None:
            rows, file = self.source.entities[name].rows or (), self.context.company.path.name
            inline = inline_table(self.connection, f"§rows {name}", rows, file)
            return {inline.name: inline}
        return self.tables.of(entity, said, origin)

    def _tell(self, note: str) -> None:
        """Keep what deserves a look, once."""
        if note not in self.warnings:
            self.warnings.append(note)

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
            place = self._place(key)
            raise SourceError(*(f"{place}: {problem}" for problem in error.problems)) from None

    @contextmanager
    def _bounded(self, key: str) -> Iterator[None]:
        """Run SQL that a key of the company file writes, within its limits."""
        with self._at(key), bounded(self.connection, self._place(key)):
            yield

    def _place(self, key: str) -> str:
        return f"{self.context.company.path}: sources.{self.source.name}.{key}"

    def _described_files(self, name: str, load: EntityLoad) -> list[dict[str, object]]:
        """The files that an entity was read from."""
        origin = self.origins.get(name)
        unended = {part.name for part in load.all_parts if part.ends_in}
        files = {
            path.relative_to(self.source.path).as_posix(): path
            for path in (origin.paths if origin else ())
        }
        return [
            {
                "file": file,
                "size": self.stamps[path].size,
                "sha256": self.digests.of(path),
                "is_ended": file not in unended,
            }
            for file, path in files.items()
        ]


def _inputs(name: str, mapping: EntityMapping) -> list[tuple[str, Input]]:
    """The inputs of an entity, by their keys."""
    keys = [f"entities.{name}", *(f"entities.{name}.also.{n}" for n in range(len(mapping.also)))]
    return list(zip(keys, inputs(mapping), strict=True))


def _together(found: Iterable[_Found]) -> Origin | None:
    """All that the inputs of an entity read; None where none of them has a `from`."""
    origins = [one.origin for one in found if one.origin]
    relations = dict.fromkeys(relation for origin in origins for relation in origin.relations)
    return Origin(tuple(relations)) if origins else None
