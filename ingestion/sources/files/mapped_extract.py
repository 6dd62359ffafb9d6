"""Extracts a source whose rows company.yml maps to entities: files, or tables of a database."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ingestion.contract.columns import Column, Entity
from ingestion.errors import Gathered, SourceError
from ingestion.loading.exports import Export, exports_batch
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck, TableCheck
from ingestion.loading.state import LastExport, RawState
from ingestion.sources.files.catalog import Origin
from ingestion.sources.files.confinement import bounded
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.fingerprints import Digests, fingerprint
from ingestion.sources.files.guards import refuse, told_of_shift
from ingestion.sources.files.histories import HISTORIES, check_values
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.mapping import map_entity
from ingestion.sources.files.mapping.rowset import RowSet, relate
from ingestion.sources.files.reading import Table, inline_table
from ingestion.sources.files.remapping import Said
from ingestion.sources.files.settings import EntityMapping, Input
from ingestion.sources.files.shapes.inputs import add_problems, inputs, needs, united
from ingestion.sources.files.shapes.settings import Status
from ingestion.sources.files.shapes.shaping import Shaping
from ingestion.sources.files.shapes.statuses import make_stages
from ingestion.sources.files.values.casting import Zones

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CHECKED, STAGES = "opportunities", "pipeline_stages"


class MappedSource(Protocol):
    """What company.yml says of a source whose rows it maps to entities."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def timezone(self) -> str | None: ...
    @property
    def entities(self) -> Mapping[str, EntityMapping]: ...


@dataclass(frozen=True)
class Found:
    """An input of an entity by its key, and what its `from` means, where it has one."""

    key: str
    said: Input
    origin: Origin | None


class MappedExtract(ABC):
    """One extraction: what is found is mapped, checked, and compared with the last load.

    `tables` are those of the raw dataset. What differs from type to type is where rows come from.
    """

    def __init__(
        self,
        context: ExtractContext,
        source: MappedSource,
        connection: duckdb.DuckDBPyConnection,
        tables: Mapping[str, tuple[Column, ...]],
    ) -> None:
        self.context, self._mapped, self.connection = context, source, connection
        self.entities = context.company.entities
        self.digests, self.wrong = Digests(), Gathered()
        self.warnings: list[str] = []
        self.state = RawState(context.warehouse, context.dataset, source.name, tables)
        self.last = self.state.last_exports()
        self.found: dict[str, list[Found]] = {}
        self.origins: dict[str, Origin] = {}

    @property
    @abstractmethod
    def _where(self) -> str:
        """Where the source is, for whoever checks it."""

    @abstractmethod
    def _usable(self, entity: Entity, said: Input, origin: Origin) -> dict[str, Table]:
        """The tables of an input of an entity, by the names that its SQL calls them."""

    @abstractmethod
    def _said(self, name: str) -> Said:
        """What company.yml says of how an entity is read."""

    @abstractmethod
    def _described(self, name: str, load: EntityLoad) -> list[dict[str, object]]:
        """What an entity was read from, for the record of the load."""

    def _recorded(self, name: str) -> Mapping[str, object]:
        """What is recorded of an entity's load in columns of the type's own."""
        return {}

    def find(self) -> None:
        """Find the inputs of the entities; what cannot be found is kept as a problem."""
        given = self._mapped.entities
        for name in self._in_order(given):
            with self.wrong.each():
                self.found[name] = [
                    Found(key, said, self._origin(key, said))
                    for key, said in inputs_of(name, given[name])
                ]
        self.found = {name: self.found[name] for name in given if name in self.found}
        self.origins = {
            name: origin for name, found in self.found.items() if (origin := _together(found))
        }

    @abstractmethod
    def _origin(self, key: str, said: Input) -> Origin | None:
        """What the `from` of an input means, where it has one."""

    def run(self) -> Extraction:
        """Load what changed."""
        fingerprints = self._fingerprints()
        changed = [
            name
            for name, fingerprint in fingerprints.items()
            if name not in self.last or self.last[name].fingerprint != fingerprint
        ]
        said = {name: self._said(name) for name in changed}
        loads = self._load(changed, said)
        rejected = self._rejected(loads)
        self.wrong.raise_any(rejected)
        loads = {name: load for name, load in loads.items() if self._is_news(name, load)}
        reports = [
            loads[name].report() if name in loads else self.last[name].unchanged()
            for name in self._mapped.entities
        ]
        if not loads:
            return Extraction(tuple(reports), {}, tuple(self.warnings))
        exports = [
            Export(
                load.report(),
                fingerprints[name],
                self._described(name, load),
                {"mapping": json.dumps(said[name]), **self._recorded(name)},
            )
            for name, load in loads.items()
        ]
        columns = self.state.tables["exports"]
        batches: dict[str, Iterable[pa.RecordBatch]] = {
            **{name: load.versions() for name, load in loads.items() if load.has_versions},
            "rejected": (batch for load in loads.values() for batch in load.rejected()),
            "exports": [exports_batch(columns, self._mapped.name, exports)],
        }
        return Extraction(tuple(reports), batches, tuple(self.warnings), rejected)

    def check(self) -> SourceCheck:
        """Find out what a load would do, with all entities."""
        loads = self._load([*self.found], {name: self._said(name) for name in self.found})
        return SourceCheck(
            self._mapped.name,
            self._mapped.type,
            self._where,
            tuple(TableCheck(it.report(), it.files, it.rules()) for it in loads.values()),
            tuple(dict.fromkeys(self.wrong.problems)),
            self._rejected(loads),
            tuple(self.warnings),
        )

    def _is_news(self, name: str, load: EntityLoad) -> bool:
        """Whether an entity that was read is to be recorded as loaded."""
        return True

    def _rejected(self, loads: Mapping[str, EntityLoad]) -> tuple[str, ...]:
        """What is rejected, by entity and rule, in words of the company file."""
        place = f"{self.context.company.path}: sources.{self._mapped.name}.entities"
        return tuple(
            f"{place}.{name}: rejected: {rule}"
            for name, load in loads.items()
            if load.rows_rejected
            for rule in load.rules()
        )

    @property
    def _status(self) -> Status | None:
        """What is said of a status beside the stage."""
        deals = self._mapped.entities.get(CHECKED)
        said = [one.status for one in inputs(deals) if one.status] if deals else []
        return said[0] if said else None

    def _fingerprints(self) -> dict[str, str]:
        """The fingerprints of the entities whose inputs can be found and read."""
        fingerprints = {}
        for name in self.found:
            with self.wrong.each():
                fingerprints[name] = self._fingerprint(name)
        return fingerprints

    def _fingerprint(self, name: str) -> str:
        names = [name, *needs(self._mapped.entities, name)]
        status = self._status if STAGES in names else None
        declared = {name: self.state.tables[name] for name in names}
        return fingerprint(
            self._mapped.entities, declared, self.origins, self._zones, status, self.digests
        )

    def _load(self, names: Sequence[str], said: Mapping[str, Said]) -> dict[str, EntityLoad]:
        """Map and check entities, and compare them with the last load; keep what is wrong.

        Entities come after those that they need: deals, after their stages.
        """
        loads: dict[str, EntityLoad] = {}
        for name in filter(self.found.__contains__, self._in_order(names)):
            is_shaped = not all(one.said.is_plain for one in self.found[name])
            if is_shaped and not loads.keys() >= {*needs(self._mapped.entities, name)}:
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

    def _in_order(self, names: Iterable[str]) -> Iterable[str]:
        """Entities, each after those that it needs, which are among them, too."""
        given = self._mapped.entities
        return dict.fromkeys(one for name in names for one in (*needs(given, name), name))

    def _compare(self, name: str, load: EntityLoad, said: Said) -> None:
        """Compare an entity with its last load. Raises SourceError where it cannot be right."""
        last, mapping = self.last.get(name), self._mapped.entities[name]
        self._compare_rows(name, load, last)
        if last and name in self.origins:
            with self._at(f"entities.{name}"):
                refuse(load, last, said, mapping, self.context.force)
            self.warnings += told_of_shift(load, last, said, mapping)

    def _compare_rows(self, name: str, load: EntityLoad, last: LastExport | None) -> None:
        """Find what is new among an entity's rows, and what is gone."""
        load.compare(self.state if last else None, self._mapped.entities[name].export)

    def _map(self, name: str, loads: Mapping[str, EntityLoad]) -> EntityLoad:
        """Read what an entity comes from, shape and map it, beside those that are mapped."""
        mapping = self._mapped.entities[name]
        entity = self.entities[name]
        entity = replace(entity, key=mapping.key or entity.key)
        self.context.progress(f"{self._mapped.name}: reading {name}")
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
            self._mapped.name,
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

    def _tables(self, name: str, entity: Entity, found: Found) -> dict[str, Table]:
        """The tables that an input is read from, by the names that its SQL calls them."""
        said, origin = found.said, found.origin
        if origin is None:
            rows, file = self._mapped.entities[name].rows or (), self.context.company.path.name
            inline = inline_table(self.connection, f"§rows {name}", rows, file)
            return {inline.name: inline}
        return self._usable(entity, said, origin)

    def _tell(self, note: str) -> None:
        """Keep what deserves a look, once."""
        if note not in self.warnings:
            self.warnings.append(note)

    @property
    def _zones(self) -> Zones:
        company = self.context.company.timezone
        return Zones(source=self._mapped.timezone or company, company=company)

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
        return f"{self.context.company.path}: sources.{self._mapped.name}.{key}"


def inputs_of(name: str, mapping: EntityMapping) -> list[tuple[str, Input]]:
    """The inputs of an entity, by their keys."""
    keys = [f"entities.{name}", *(f"entities.{name}.also.{n}" for n in range(len(mapping.also)))]
    return list(zip(keys, inputs(mapping), strict=True))


def _together(found: Iterable[Found]) -> Origin | None:
    """All that the inputs of an entity read; None where none of them has a `from`."""
    origins = [one.origin for one in found if one.origin]
    relations = dict.fromkeys(relation for origin in origins for relation in origin.relations)
    return Origin(tuple(relations)) if origins else None
