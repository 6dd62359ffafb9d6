"""The rows that an entity is mapped from: a table of files, or what SQL makes of some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.errors import SourceError, first_line
from ingestion.sources.files.confinement import is_stopped
from ingestion.sources.files.hidden import FILE_ROW, HIDDEN, TEXT_OF
from ingestion.sources.files.parsing import (
    Node,
    driving_table,
    made_of,
    parse,
    select_also,
    ungrouped,
)
from ingestion.sources.files.reading import Table
from ingestion.sources.files.values.evidence import Doubt
from ingestion.sources.files.values.numbers import Style
from ingestion.warehouse.duckdb_sql import literal, quote

if TYPE_CHECKING:
    import duckdb


NO_ROW = "NULL::BIGINT"
SHOWN = 3


@dataclass(frozen=True)
class RowSet:
    """The rows that an entity is mapped from: a DuckDB table, and its columns' types.

    `driver` is the table of files whose rows they are, where each is one row of a file;
    `file_row` is then SQL of its position there. `headers` say which lines of the files name the
    columns. `sources` are the tables that it is made of, and `made_of` says of which of their
    columns its own are. `ungrouped` are columns whose points its SQL takes out.
    """

    table: str
    columns: Mapping[str, str]
    driver: Table | None = None
    file_row: str = NO_ROW
    headers: tuple[str, ...] = ()
    sources: tuple[Table, ...] = ()
    made_of: tuple[tuple[str, frozenset[str]], ...] = ()
    ungrouped: frozenset[str] = frozenset()

    @property
    def offered(self) -> str:
        """What columns there are, and where their names come from."""
        return f"Columns there are: {', '.join(self.own_columns)}{_of_headers(self.headers)}"

    @property
    def own_columns(self) -> list[str]:
        """The columns that are the user's."""
        return [name for name in self.columns if not name.startswith(HIDDEN)]

    def original(self, column: str) -> str:
        """SQL of a column's value as it was before it was typed."""
        return quote(TEXT_OF + column if TEXT_OF + column in self.columns else column)

    @property
    def origin(self) -> str:
        """Where the rows come from, for messages."""
        names = dict.fromkeys(part.name for table in self.sources for part in table.parts)
        return ", ".join([*names][:SHOWN]) + (", …" if len(names) > SHOWN else "")

    def writing(self, columns: Iterable[str]) -> tuple[Style | None, tuple[str, ...]]:
        """How numbers and dates are written in text of these columns, as options say.

        Raises SourceError where the text may be of files that are written in different ways.
        """
        writings = {(table.style, table.formats) for table in self.sources}
        names = self._origins(columns)
        if len(writings) > 1:
            writings = {
                (table.style, table.formats)
                for table in self.sources
                if names & {name.lower() for name in table.columns}
            } or {(None, ())}
        if len(writings) > 1:
            raise SourceError(
                "is text that may be of files whose options (decimal, thousands, date_format) "
                "differ; give them the same, or make a number or date of it in 'from'"
            )
        return next(iter(writings), (None, ()))

    def doubts(self, columns: Iterable[str]) -> Iterator[Doubt]:
        """What of the columns that these are made of may be in groups."""
        names = self._origins(columns)
        for table in self.sources:
            for column, doubt in table.doubts:
                name = column.lower()
                if name in names and not (doubt.is_text and name in self.ungrouped):
                    yield doubt

    def _origins(self, columns: Iterable[str]) -> set[str]:
        """The names of all columns that some are made of, in lower case."""
        names: set[str] = set()
        new = {column.lower() for column in columns}
        while new:
            names |= new
            new = {part for name, parts in self.made_of if name in names for part in parts} - names
        return names

    def as_json(self, columns: Iterable[str]) -> str:
        """SQL of a JSON object of columns; NULL when there are none."""
        pairs = ", ".join(f"{literal(name)}, {self.original(name)}" for name in columns)
        return f"json_object({pairs})::VARCHAR" if pairs else "NULL::VARCHAR"


def relate(
    connection: duckdb.DuckDBPyConnection, name: str, sql: str | None, tables: Mapping[str, Table]
) -> RowSet:
    """What a `from` gives: its one table as it is, or the result of its SQL as table `name`.

    The SQL calls the tables by their keys. Raises SourceError when it fails.
    """
    sources = tuple(tables.values())
    parts = (part for table in sources for part in table.parts)
    headers = tuple(dict.fromkeys(part.header for part in parts if part.header))
    if sql is None:
        (table,) = sources
        columns = _describe(connection, table.name)
        return RowSet(table.name, columns, table, "rowid", headers, sources)
    tree = parse(connection, sql)
    with _called_by_keys(connection, tables):
        driver, file_row = _select(connection, name, sql, tree, tables, headers)
    return RowSet(
        name,
        _describe(connection, name),
        driver,
        file_row,
        headers,
        sources,
        tuple(made_of(tree)),
        frozenset(ungrouped(tree)),
    )


@contextmanager
def _called_by_keys(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]
) -> Iterator[None]:
    """Let tables bear the names for a while that SQL calls them by."""
    renamed = [(table.name, key) for key, table in tables.items() if table.name != key]
    for name, key in renamed:
        connection.execute(f"alter table {quote(name)} rename to {quote(key)}")
    try:
        yield
    finally:
        for name, key in renamed:
            connection.execute(f"alter table {quote(key)} rename to {quote(name)}")


def _select(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    sql: str,
    tree: Node,
    tables: Mapping[str, Table],
    headers: Sequence[str],
) -> tuple[Table | None, str]:
    """Make table `name` of the result of SQL; the driver of its rows, if any, and their `file_row`.

    Raises SourceError when it fails.
    """
    import duckdb

    create = f"create or replace table {quote(name)} as "
    driving = driving_table(tree)
    if driving and driving[0].lower() in tables:
        row = f"{quote(driving[1])}.rowid as {FILE_ROW}"
        try:
            connection.execute(create + select_also(connection, sql, row))
        except duckdb.Error as error:
            if is_stopped(error):
                raise
            # An aggregate's row is no row of a file; other errors come again below.
        else:
            return tables[driving[0].lower()], FILE_ROW
    try:
        connection.execute(create + sql)
    except duckdb.Error as error:
        if is_stopped(error):
            raise
        where = _of_headers(headers) if isinstance(error, duckdb.BinderException) else ""
        raise SourceError(f"{first_line(error)}{where}") from None
    return None, NO_ROW


def _of_headers(headers: Sequence[str]) -> str:
    """Which lines name the columns, and what says that others do."""
    if not headers:
        return ""
    named = f"{', '.join(headers[:3])}{', …' if len(headers) > 3 else ''}"
    is_sheet = any(" of sheet " in header for header in headers)
    options = "header_row" + (", sheet" if is_sheet else ", delimiter")
    return f". They are named in {named}; if that is not so, write options: {options}"


def _describe(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The types of a table's columns, by name."""
    described = connection.execute(f"describe {quote(table)}").fetchall()
    types = {name: type_ for name, type_, *_ in described}
    if "rowid" in map(str.lower, types):
        raise SourceError("a column of the result is called 'rowid'; give it another name")
    return types
