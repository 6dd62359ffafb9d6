"""Increments: the rows that may have changed since the last load, and the records that are gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.errors import SourceError, one_of
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.picking import pick_column
from ingestion.sources.files.mapping.rowset import relate
from ingestion.sources.files.parsing import NotSqlError, column_names, parse_expression
from ingestion.sources.files.reading import Table
from ingestion.sources.files.values.casting import Zones, cast
from ingestion.sources.sql.cursors import Now, Value, is_below, present
from ingestion.sources.sql.database import SINCE, Database, Field, Rows
from ingestion.sources.sql.settings import History, SqlMapping
from ingestion.sources.sql.staging import Forms, selected, stage
from ingestion.sources.sql.writing import Writing
from ingestion.warehouse.duckdb_sql import one_row, path_literal, quote

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Part:
    """The part of an entity's rows that a load reads: all of them where `since` is None.

    `seen` is the highest value of its cursor by now, `asked` a hash of all that decides which rows
    may stay unread. Records of the ids `gone` are deleted; rows of the ids `gone_rejected`, which
    were rejected, are there no more.
    """

    asked: str
    seen: Value | None
    since: Value | None = None
    gone: frozenset[str] = frozenset()
    gone_rejected: frozenset[str] = frozenset()
    forms: Forms = field(default_factory=dict)
    writing: Writing = field(default_factory=dict)
    files: tuple[Path, ...] = field(default=())


def hash_of(*parts: object) -> str:
    """A hash of settings: where it differs from the last one, all rows are read."""
    text = json.dumps(parts, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def cursor_of(mapping: SqlMapping, rows: Rows) -> str:
    """The cursor as the database spells it. Raises SourceError naming the columns there are."""
    assert mapping.cursor
    found = rows.columns.get(mapping.cursor.lower())
    if found is None:
        raise SourceError(
            f"cursor = '{mapping.cursor}': no such column in {rows.name}; "
            f"{one_of(mapping.cursor, rows.columns.values())}"
        )
    return found


def changed_since(database: Database, rows: Rows, cursor: str) -> str:
    """A SELECT of the rows whose cursor is as high as the parameter, or is not known."""
    column = database.quoted(cursor)
    return f"{selected(database, rows)} where {column} >= :{SINCE} or {column} is null"


@dataclass(frozen=True)
class Highest:
    """The highest value of a cursor, and the highest that is not yet to come: `seen`.

    One row of a clock that is ahead would else hide all changes until then.
    """

    value: Value | None
    seen: Value | None


def highest(connection: duckdb.DuckDBPyConnection, file: Path, cursor: str, now: Now) -> Highest:
    """The highest values of a cursor in a file of rows. Raises SourceError of text that is none."""
    column, rows = quote(cursor), f"read_parquet({path_literal(file)})"
    (value,) = one_row(connection, f"select max({column}) from {rows}")
    limit = None if value is None else present(value, cursor, now)
    if limit is None or not is_below(limit, value):
        return Highest(value, value)
    found = connection.execute(f"select max({column}) from {rows} where {column} <= ?", [limit])
    return Highest(value, found.fetchall()[0][0])


@dataclass(frozen=True)
class Keys:
    """What tells the records of an entity apart: columns of what its `from` gives."""

    connection: duckdb.DuckDBPyConnection
    entity: Entity
    mapping: SqlMapping
    zones: Zones
    database: Database
    rows: Rows
    forms: Forms

    def of_all(self, file: Path) -> list[str]:
        """The ids of all rows that there are; their keys are set down in a file."""
        stage(
            self.database,
            self._selected(self.rows),
            self._fields(self.rows),
            file,
            None,
            self.forms,
        )
        return self.ids(file)

    def of_deleted(self, history: History, file: Path) -> list[str]:
        """The ids that a history of deletions has, and that are not there again."""
        try:
            told = self.database.rows_of(history.history, "the SELECT of deletes.history")
        except SourceError as error:
            raise SourceError(*(f"deletes.history: {it}" for it in error.problems)) from None
        if missing := [name for name in self.names if name.lower() not in told.columns]:
            raise SourceError(
                f"{told.name} has no column {' or '.join(map(repr, missing))}, of which source_id "
                f"is made; columns there are: {', '.join(told.columns.values())}"
            )
        same = " and ".join(
            f"there.{self.database.quoted(name)} = "
            f"salesops_rows.{self.database.quoted(told.columns[name.lower()])}"
            for name in self.names
        )
        sql = (
            f"{self._selected(told)} where not exists "
            f"(select 1 from ({self.rows.sql}\n) there where {same})"
        )
        stage(self.database, sql, self._fields(told), file, None, self.forms)
        return self.ids(file)

    def ids(self, file: Path) -> list[str]:
        """The ids of the rows in a file, as mapping them gives them; those that repeat, again."""
        name = "§keys"
        self.connection.execute(
            f"create or replace table {quote(name)} as from read_parquet({path_literal(file)})"
        )
        rowset = relate(self.connection, "", None, {name: Table(name, ())})
        assert self.mapping.columns
        said = self.mapping.model_copy(
            update={"columns": {"source_id": self.mapping.columns["source_id"]}}
        )
        sql = expressions(self.entity, said, rowset)["source_id"]
        pick = pick_column(self.connection, rowset, self.entity.by_name["source_id"], sql)
        found = self.connection.execute(
            f"select {cast(pick.column, pick.value, pick.type, self.zones)} as id "
            f"from (select {pick.selected} from {quote(name)}) where id is not null"
        )
        return [id_ for (id_,) in found.fetchall()]

    @property
    def names(self) -> Sequence[str]:
        """The columns that `source_id` is made of."""
        assert self.mapping.columns
        written = str(self.mapping.columns["source_id"])
        if written.lower() in self.rows.columns:
            return [self.rows.columns[written.lower()]]
        try:
            named = column_names(parse_expression(self.connection, written))
        except NotSqlError as error:
            raise SourceError(f"columns.source_id = '{written}': {error}") from None
        found = [self.rows.columns[it.lower()] for it in named if it.lower() in self.rows.columns]
        if not found:
            raise SourceError(
                f"columns.source_id = '{written}' names no column of {self.rows.name}, so its keys "
                f"cannot be read; columns there are: {', '.join(self.rows.columns.values())}"
            )
        return list(dict.fromkeys(found))

    def _selected(self, rows: Rows) -> str:
        return selected(self.database, rows, self._spelled(rows))

    def _fields(self, rows: Rows) -> list[Field]:
        spelled = self._spelled(rows)
        return [one for one in rows.fields if one.name in spelled]

    def _spelled(self, rows: Rows) -> list[str]:
        return [rows.columns[name.lower()] for name in self.names]
