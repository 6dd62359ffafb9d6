"""The tables that entities are mapped from: files read once each, without rows that have errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.errors import Gathered
from ingestion.sources.files.bad_cells import needed_columns, notes, repeated, without_bad_cells
from ingestion.sources.files.catalog import Origin, Relation
from ingestion.sources.files.reading import Table, read
from ingestion.sources.files.settings import Input
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb


@dataclass
class UsableTables:
    """Reads the files under `root`; `folder` is for what must be written out.

    `tell` takes what deserves a look.
    """

    connection: duckdb.DuckDBPyConnection
    root: Path
    folder: Path
    tell: Callable[[str], None]
    _read: dict[Relation, Table] = field(default_factory=dict)

    def of(self, entity: Entity, said: Input, origin: Origin) -> dict[str, Table]:
        """The tables of an input of an entity, by the names that its SQL calls them."""
        # The keys of a shape may mean any column.
        needed = (
            needed_columns(self.connection, entity, said, origin.sql) if said.is_plain else None
        )
        tables: dict[str, Table] = {}
        wrong = Gathered()
        for relation in origin.relations:
            with wrong.each():
                tables[relation.name] = self._usable(entity.name, relation, needed)
        wrong.raise_any()
        return tables

    def _usable(self, entity: str, relation: Relation, needed: frozenset[str] | None) -> Table:
        """A relation without rows that have errors in needed columns; tells what is not read."""
        table = self._once(relation)
        for note in (
            *(f"{part.name}: {note}" for part in table.parts for note in part.notes),
            *notes(table, needed),
            *repeated(table, needed),
        ):
            self.tell(note)
        return without_bad_cells(self.connection, table, needed, f"{table.name} of {entity}")

    def _once(self, relation: Relation) -> Table:
        """Read a relation, once, into a table of its own: one of its name may be read otherwise."""
        if relation not in self._read:
            table = read(self.connection, relation, self.root, self.folder)
            name = f"§files {len(self._read)}"
            self.connection.execute(f"alter table {quote(table.name)} rename to {quote(name)}")
            self._read[relation] = replace(table, name=name)
        return self._read[relation]
