"""Extracts a files source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.sources.files.arrival import PATIENCE, REST, Stamp, refuse_changed, stamps_at_rest
from ingestion.sources.files.catalog import Catalog, Origin
from ingestion.sources.files.confinement import confine
from ingestion.sources.files.copies import unread_copies
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.mapped_extract import MappedExtract
from ingestion.sources.files.reading import Table
from ingestion.sources.files.remapping import Said, said_of
from ingestion.sources.files.settings import FilesSource, Input
from ingestion.sources.files.tables import tables_of
from ingestion.sources.files.usable import UsableTables
from ingestion.warehouse.duckdb_sql import workbench

if TYPE_CHECKING:
    import duckdb


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


class _Extract(MappedExtract):
    def __init__(
        self, context: ExtractContext, source: FilesSource, connection: duckdb.DuckDBPyConnection
    ) -> None:
        super().__init__(context, source, connection, tables_of(context.company.entities))
        self.source = source
        self.stamps: dict[Path, Stamp] = {}
        self.tables = UsableTables(connection, source.path, context.folder, self._tell)
        self.find()
        confine(connection, sorted(self._paths), [context.folder])
        if self._paths:
            self.warnings += unread_copies(self._catalog, self._paths)

    @property
    def _where(self) -> str:
        return str(self.source.path)

    @cached_property
    def _paths(self) -> frozenset[Path]:
        """The files that are read."""
        return frozenset(path for origin in self.origins.values() for path in origin.paths)

    def run(self) -> Extraction:
        """Load what changed, once it is whole."""
        self._await_files(PATIENCE)
        return super().run()

    def check(self) -> SourceCheck:
        """Find out what a load would do, with all entities."""
        self._await_files(REST)
        return super().check()

    def _await_files(self, seconds: float) -> None:
        """Wait for files that are being written, and keep how all of them stand then."""

        def waiting(files: Iterable[Path]) -> None:
            names = ", ".join(file.name for file in files)
            self.context.progress(f"{self.source.name}: waiting for {names}, just written")

        with self.wrong.each():
            self.stamps = stamps_at_rest(sorted(self._paths), seconds, waiting)

    def _load(self, names: Sequence[str], said: Mapping[str, Said]) -> dict[str, EntityLoad]:
        loads = super()._load(names, said)
        with self.wrong.each():
            refuse_changed(self.stamps)
        return loads

    def _origin(self, key: str, said: Input) -> Origin | None:
        if said.from_ is None:
            return None
        catalog = self._catalog
        with self._at(f"{key}.from"):
            return catalog.origin(self.connection, said.from_, said.options)

    @cached_property
    def _catalog(self) -> Catalog:
        with self._at("path"):
            return Catalog.of(self.source)

    def _usable(self, entity: Entity, said: Input, origin: Origin) -> dict[str, Table]:
        return self.tables.of(entity, said, origin)

    def _said(self, name: str) -> Said:
        origin = self.origins.get(name)
        return said_of(self.source, name, origin, self.context.company.path.parent)

    def _described(self, name: str, load: EntityLoad) -> list[dict[str, object]]:
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
