"""Extracts a files source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.contract.entities import ENTITIES
from ingestion.errors import Gathered, SourceError
from ingestion.pipeline import ExtractContext, Extraction, SourceCheck, TableCheck, TableLoad
from ingestion.sources.files.arrival import (
    PATIENCE,
    REST,
    Stamp,
    refuse_changed,
    stamps_at_rest,
)
from ingestion.sources.files.bad_cells import needed_columns, notes, repeated, without_bad_cells
from ingestion.sources.files.catalog import Catalog, Origin, Relation
from ingestion.sources.files.confinement import bounded, confine
from ingestion.sources.files.copies import unread_copies
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.histories import HISTORIES, check_values
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.mapping import map_entity
from ingestion.sources.files.mapping.rowset import RowSet, relate
from ingestion.sources.files.reading import Table, inline_table, read
from ingestion.sources.files.remapping import MAX_GONE, Said, changes, said_of
from ingestion.sources.files.settings import EntityMapping, FilesSource, Input
from ingestion.sources.files.shapes.inputs import (
    add_problems,
    inputs,
    needs,
    united,
)
from ingestion.sources.files.shapes.settings import Status
from ingestion.sources.files.shapes.shaping import Shaping
from ingestion.sources.files.shapes.statuses import make_stages
from ingestion.sources.files.tables import EXPORTS, TABLES
from ingestion.sources.files.values.casting import Zones
from ingestion.sources.files.versions import History, LastExport
from ingestion.warehouse.duckdb_sql import quote, workbench

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CHECKED, STAGES = "opportunities", "pipeline_stages"
MIN_SHARE = 0.8
MAX_CHANGED, MIN_SHIFTED = 0.5, 3
"""Where a load changes more than this share of the records, and at least so many, it is told."""


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
    tables: dict[Relation, Table] = field(default_factory=dict)
    digests: dict[Path, str] = field(default_factory=dict)
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    wrong: Gathered = field(default_factory=Gathered)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = History(self.context.warehouse, self.context.dataset, self.source.name)
        self.last = self.history.last_exports()
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
            loads[name].report() if name in loads else _unchanged(name, self.last[name])
            for name in self.source.entities
        ]
        if not loads:
            return Extraction(tuple(reports), {}, tuple(self.warnings))
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        exports = [
            {
                "source_instance": self.source.name,
                "fingerprint": fingerprints[name],
                "files": self._described_files(name, load),
                "mapping": json.dumps(said[name]),
                "extracted_at": now,
                **asdict(load.report()),
            }
            for name, load in loads.items()
        ]
        batches = _batches(loads, exports)
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
        """A hash of all that an entity's rows depend on."""
        names = [name, *needs(self.source.entities, name)]
        depended = [
            (
                self.source.entities[entity].model_dump(mode="json"),
                [asdict(column) for column in TABLES[entity]],
                [
                    (relation.name, relation.options.model_dump(), path.name, self._digest(path))
                    for relation in self._relations(entity)
                    for path in relation.files
                ],
            )
            for entity in names
        ]
        status = self._status.model_dump() if self._status and STAGES in names else None
        text = json.dumps([asdict(self._zones), depended, status], default=str)
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

    def _relations(self, name: str) -> tuple[Relation, ...]:
        return self.origins[name].relations if name in self.origins else ()

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
        last = self.last.get(name)
        load.compare(self.history if last else None, self.source.entities[name].export)
        if last and name in self.origins:
            self._refuse_remapped(name, load, last.said, said)
            self._refuse_shrunk(name, load, last)
            self._refuse_cut_off(name, load, last)
            self._warn_of_shift(name, load, last.said, said)

    def _map(self, name: str, loads: Mapping[str, EntityLoad]) -> EntityLoad:
        """Read what an entity comes from, shape and map it, beside those that are mapped."""
        mapping = self.source.entities[name]
        entity = replace(ENTITIES[name], key=mapping.key or ENTITIES[name].key)
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
            self.connection, ENTITIES[STAGES], said, rowset, self._zones, "§mapped made stages"
        )
        return "§mapped made stages", rowset

    def _tables(self, name: str, entity: Entity, found: _Found) -> dict[str, Table]:
        """The tables that an input is read from, by the names that its SQL calls them."""
        said, origin = found.said, found.origin
        if origin is None:
            rows, file = self.source.entities[name].rows or (), self.context.company.path.name
            inline = inline_table(self.connection, f"§rows {name}", rows, file)
            return {inline.name: inline}
        # The keys of a shape may mean any column.
        needed = (
            needed_columns(self.connection, entity, said, origin.sql) if said.is_plain else None
        )
        tables: dict[str, Table] = {}
        wrong = Gathered()
        for relation in origin.relations:
            with wrong.each():
                tables[relation.name] = self._usable(name, relation, needed)
        wrong.raise_any()
        return tables

    def _usable(self, entity: str, relation: Relation, needed: frozenset[str] | None) -> Table:
        """A relation without rows that have errors in needed columns; warns of what is not read."""
        table = self._read(relation)
        told = [f"{part.name}: {note}" for part in table.parts for note in part.notes]
        told += [*notes(table, needed), *repeated(table, needed)]
        self.warnings = [*dict.fromkeys([*self.warnings, *told])]
        return without_bad_cells(self.connection, table, needed, f"{table.name} of {entity}")

    def _read(self, relation: Relation) -> Table:
        """Read a relation, once, into a table of its own: one of its name may be read otherwise."""
        if relation not in self.tables:
            root, folder = self.source.path, self.context.folder
            table = read(self.connection, relation, root, folder)
            name = f"§files {len(self.tables)}"
            self.connection.execute(f"alter table {quote(table.name)} rename to {quote(name)}")
            self.tables[relation] = replace(table, name=name)
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
            place = self._place(key)
            raise SourceError(*(f"{place}: {problem}" for problem in error.problems)) from None

    @contextmanager
    def _bounded(self, key: str) -> Iterator[None]:
        """Run SQL that a key of the company file writes, within its limits."""
        with self._at(key), bounded(self.connection, self._place(key)):
            yield

    def _place(self, key: str) -> str:
        return f"{self.context.company.path}: sources.{self.source.name}.{key}"

    def _refuse_remapped(self, name: str, load: EntityLoad, before: Said | None, now: Said) -> None:
        """Stop a load whose changed mapping no longer finds most of the records.

        FORCE=1 does not help: what is taken for a deletion once is one for ever. A row that has
        neither id nor key is its values, so that a change of any of them makes another row.
        """
        is_found_again = load.rows_gone <= MAX_GONE * load.rows_before
        if is_found_again or not load.has_identity or before is None or before == now:
            return
        with self._at(f"entities.{name}"):
            raise SourceError(
                f"{load.rows_gone:,} of {load.rows_before:,} records are gone from this load, "
                f"and how it is read has changed since the last one: "
                f"{'; '.join(changes(before, now))}. What a changed mapping no longer finds was "
                "not deleted, so nothing of this source was loaded. If the mapping is right now, "
                "run with FRESH=1: the company starts anew, and its old warehouse is kept aside. "
                "If the records were deleted, load the export as it was read before, then change "
                "the mapping"
            )

    def _refuse_cut_off(self, name: str, load: EntityLoad, last: LastExport) -> None:
        """Stop a load of a file that ends within a line, as its last export did not.

        The line's last value may be half of one, and what should follow is not there. Where all
        records are as they were it does not matter.
        """
        if self.context.force or not (load.rows_gone or load.has_versions):
            return
        for part in load.all_parts:
            if part.ends_in and last.was_ended(part.name):
                with self._at(f"entities.{name}"):
                    raise SourceError(
                        f"{part.name}: nothing ends line {part.ends_in:,}, its last one, as it "
                        "did at the last load: the file may have been cut off there, so nothing of "
                        "this source was loaded. Export it again; if it is whole, run again with "
                        "FORCE=1"
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

    def _warn_of_shift(self, name: str, load: EntityLoad, before: Said | None, now: Said) -> None:
        """Warn where most records changed at once: as when ids shift from row to row."""
        changed, there = load.rows_changed, load.rows_before
        if changed < MIN_SHIFTED or changed <= MAX_CHANGED * there:
            return
        told = f"{name}: {changed:,} of {there:,} records changed at once"
        if before is not None and before != now:
            why = f", and so has how they are read: {'; '.join(changes(before, now))}"
        else:
            columns = self.source.entities[name].columns or {}
            expression = columns.get("source_id", "source_id")
            why = (
                f": ids made by row number? ({expression if load.has_ids else 'the key'} tells the "
                "records apart; one that goes to another record rewrites the history of both)"
            )
        self.warnings.append(told + why)

    def _described_files(self, name: str, load: EntityLoad) -> str:
        """The files that an entity was read from, as JSON."""
        origin = self.origins.get(name)
        unended = {part.name for part in load.all_parts if part.ends_in}
        files = {
            path.relative_to(self.source.path).as_posix(): path
            for path in (origin.paths if origin else ())
        }
        return json.dumps(
            [
                {
                    "file": file,
                    "size": self.stamps[path].size,
                    "sha256": self._digest(path),
                    "is_ended": file not in unended,
                }
                for file, path in files.items()
            ]
        )


def _inputs(name: str, mapping: EntityMapping) -> list[tuple[str, Input]]:
    """The inputs of an entity, by their keys."""
    keys = [f"entities.{name}", *(f"entities.{name}.also.{n}" for n in range(len(mapping.also)))]
    return list(zip(keys, inputs(mapping), strict=True))


def _together(found: Iterable[_Found]) -> Origin | None:
    """All that the inputs of an entity read; None where none of them has a `from`."""
    origins = [one.origin for one in found if one.origin]
    relations = dict.fromkeys(relation for origin in origins for relation in origin.relations)
    return Origin(tuple(relations)) if origins else None


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
