"""Shapes the rows of one input of an entity, key by key, before they are mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.errors import SourceError
from ingestion.sources.files.mapping.expressions import by_names, expressions
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.settings import Input
from ingestion.sources.files.shapes import changes, references, rows, spans, statuses
from ingestion.sources.files.shapes.inputs import STAGES
from ingestion.sources.files.values.casting import Zones
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb


@dataclass
class Shaping:
    """What shaping needs: the tables of entities that are mapped already, by name.

    `warnings` takes what deserves a look.
    """

    connection: duckdb.DuckDBPyConnection
    zones: Zones
    mapped: Mapping[str, str]
    warnings: list[str] = field(default_factory=list)

    def shaped(
        self, entity: Entity, said: Input, rowset: RowSet, name: str
    ) -> tuple[Input, RowSet]:
        """The rows of an input as those of the entity, and how they are mapped then.

        Its tables bear `name`. Raises SourceError naming key and column.
        """
        if said.is_plain:
            return said, rowset
        bench = rows.Bench(self.connection, name)
        if said.unpivot:
            rowset = rows.unpivoted(bench, rowset, said.unpivot)
        if said.one_per:
            rowset, warnings = rows.one_of_each(bench, rowset, said.one_per)
            self._warn(entity, warnings)
        match = dict(said.match)
        if said.history:
            values = changes.values_of(rowset, said.history)
            told = {column: match.pop(column) for column in said.match if column in values}
            rowset = self._matched(bench, entity, said, rowset, values, told)
        if said.snapshots:
            rowset = changes.from_snapshots(bench, rowset, said.snapshots, values, self.zones)
        if said.intervals:
            rowset, warnings = changes.from_intervals(
                bench, rowset, said.intervals, values, self.zones
            )
            self._warn(entity, warnings)
        columns = _columns(entity, said, rowset)
        for column, words in said.words.items():
            columns[column] = references.in_words(columns[column], words)
        rowset = self._matched(bench, entity, said, rowset, columns, match)
        if said.status:
            closed = statuses.closed_stages(self.connection, self.mapped[STAGES])
            rowset, columns = statuses.with_status(bench, rowset, columns, said.status, closed)
        if said.spread:
            rowset, columns = spans.spread(bench, entity, rowset, columns, said.spread, self.zones)
        return said.model_copy(update={"columns": columns}), rowset

    def _matched(
        self,
        bench: rows.Bench,
        entity: Entity,
        said: Input,
        rowset: RowSet,
        columns: dict[str, str],
        match: Mapping[str, str],
    ) -> RowSet:
        """The rows with the ids of what is named; `columns` are then these."""
        for column, by in match.items():
            target = references.target_in(entity.name, said, column)
            names = self._names(entity, target, column, by, columns, rowset)
            rowset, columns[column], warnings = references.matched(
                bench, rowset, column, columns[column], names
            )
            self._warn(entity, warnings)
        return rowset

    def _names(
        self,
        entity: Entity,
        target: str,
        column: str,
        by: str,
        columns: Mapping[str, str],
        rowset: RowSet,
    ) -> references.Names:
        """The records that a column points at; those of the entity itself are its rows."""
        if target != entity.name:
            return references.Names.of(self.mapped[target], by)
        if not {"source_id", by} <= columns.keys():
            raise SourceError(f"match.{column} = {by!r}: map 'source_id' and '{by}', too")
        return references.Names(quote(rowset.table), columns["source_id"], columns[by])

    def _warn(self, entity: Entity, warnings: list[str]) -> None:
        self.warnings += [f"{entity.name}: {warning}" for warning in warnings]


def _columns(entity: Entity, said: Input, rowset: RowSet) -> dict[str, str]:
    """The SQL expression of each canonical column that is mapped."""
    if said.snapshots or said.intervals:
        return {name: changes.given(name) for name in changes.GIVEN}
    return by_names(entity, rowset) if said.columns is None else expressions(entity, said, rowset)
