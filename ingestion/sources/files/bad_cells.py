"""Rows with errors of a spreadsheet (`#REF!`) where values are needed: rejected, never missing.

So are those with formulas whose values nobody computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.sources.files.formats.broken_lines import BrokenLine
from ingestion.sources.files.formats.xlsx_errors import UNSAVED
from ingestion.sources.files.hidden import HIDDEN
from ingestion.sources.files.parsing import (
    NotSqlError,
    driving_table,
    names_columns,
    parse,
    parse_expression,
    words,
)
from ingestion.sources.files.reading import Part, Table
from ingestion.sources.files.set_aside import BadCell, lines_without
from ingestion.sources.files.settings import Input
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb


def needed_columns(
    connection: duckdb.DuckDBPyConnection, entity: Entity, mapping: Input, sql: str | None
) -> frozenset[str] | None:
    """The names, in lower case, that a mapping may mean columns by; None: it may mean any column.

    `sql` is that of its `from`. Only a plain select leaves columns alone that it does not name.
    """
    names = {word.lower() for word in words(mapping.model_dump(mode="json"))}
    if mapping.columns is None:
        names |= entity.by_name.keys()
    for expression in map(str, (mapping.columns or {}).values()):
        try:
            names |= {word.lower() for word in words(parse_expression(connection, expression))}
        except NotSqlError:
            continue  # It is a column's name as it stands, or mapping it will say what it is.
    if sql is not None:
        tree = parse(connection, sql)
        if driving_table(tree) is None or not names_columns(tree):
            return None
        names |= {word.lower() for word in words(tree)}
    return frozenset(names)


def without_bad_cells(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    needed: frozenset[str] | None,
    name: str,
) -> Table:
    """The table without the rows that have errors in needed columns: they are broken lines now.

    It is a new one of this name where there are any.
    """
    bad = {
        part.first + cell.row: part
        for part in table.parts
        for cell in part.cells
        if is_needed(cell, needed)
    }
    if not bad:
        return table
    listed = ", ".join(map(str, bad))
    records = _records(connection, table, listed)
    connection.execute(
        f"create table {quote(name)} as from {quote(table.name)} where rowid not in ({listed})"
    )
    parts: list[Part] = []
    for part in table.parts:
        removed = sorted(row - part.first for row, its in bad.items() if its is part)
        broken = tuple(_broken(part, row, records[part.first + row]) for row in removed)
        parts.append(
            replace(
                part,
                first=parts[-1].first + parts[-1].rows if parts else 0,
                rows=part.rows - len(removed),
                lines=lines_without(part.lines, removed),
                broken=(*part.broken, *broken),
            )
        )
    return replace(table, name=name, parts=tuple(parts))


def is_needed(cell: BadCell, needed: frozenset[str] | None) -> bool:
    """Whether the value of a bad cell is needed."""
    return needed is None or cell.column.lower() in needed


def notes(table: Table, needed: frozenset[str] | None) -> Iterator[str]:
    """What is to be told of bad cells that nobody needs."""
    for part in table.parts:
        cells = [cell for cell in part.cells if not is_needed(cell, needed)]
        if cells:
            shown = ", ".join(f"{part.cell(cell)} {cell.error}" for cell in cells[:5])
            more = f" and {len(cells) - 5} more" if len(cells) > 5 else ""
            yield f"{part.name}: errors in columns that are not mapped: {shown}{more}"


def repeated(table: Table, needed: frozenset[str] | None) -> Iterator[str]:
    """What is to be told of names that several columns have, where not all are meant by name."""
    for part in table.parts:
        for name, columns in part.repeated.items():
            keys = {column.lower() for column in columns}
            if needed is None or (name.lower() in needed and not keys <= needed):
                first, *others = (f"`{column}`" for column in columns)
                count = "two" if len(columns) == 2 else len(columns)
                yield (
                    f"{part.name}: {count} columns are called {name}: the first is {first}, "
                    f"the second {', then '.join(others)}"
                )


def _broken(part: Part, row: int, record: Mapping[str, str | None]) -> BrokenLine:
    """The row as one that cannot be taken: its cells that hold errors, and the whole of it."""
    cells = [cell for cell in part.cells if cell.row == row]
    values = {**record, **{cell.column: cell.error for cell in cells}}
    named = "; ".join(
        f"{cell.column} = {cell.error}" + (f" in cell {part.cell(cell)}" if part.letters else "")
        for cell in cells
    )
    if all(cell.error == UNSAVED for cell in cells):
        reason = f"{named}: open the file in a spreadsheet program and save it"
    else:
        mend = "mend its formula and export it again"
        reason = f"{named}: an error of the spreadsheet, no value; {mend}"
    (line,) = part.lines([row])
    return BrokenLine(line, "", reason, values)


def _records(
    connection: duckdb.DuckDBPyConnection, table: Table, listed: str
) -> dict[int, dict[str, str | None]]:
    """Rows of a table as text, by position."""
    result = connection.execute(
        f"select rowid, columns(*)::varchar from {quote(table.name)} where rowid in ({listed})"
    )
    names = [column[0] for column in result.description or ()][1:]
    return {
        row: {n: value for n, value in zip(names, values, strict=True) if not n.startswith(HIDDEN)}
        for row, *values in result.fetchall()
    }
