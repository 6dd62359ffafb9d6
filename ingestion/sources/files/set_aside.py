"""Rows of a table of text that are no records: repeated headers, totals, footers, blank ones.

They are taken out where that is certain, and told; what may be a total and may be a record stays,
and is told, too. Errors of a spreadsheet (`#N/A`) are no values: they are found here, and the rows
that need them are rejected later.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.sources.files.formats.layout import (
    TOTAL,
    ends_reports,
    is_footer,
    is_number,
    is_somebodys_total,
    is_total,
    of_lines,
    shown,
)
from ingestion.sources.files.formats.xlsx_errors import UNSAVED
from ingestion.warehouse.duckdb_sql import literal, one_row, quote

if TYPE_CHECKING:
    import duckdb

Lines = Callable[[Sequence[int]], Sequence[int | None]]
"""The lines (from 1) on which rows of a file (from 0, ascending) start."""

Rows = Mapping[int, Sequence[str]]
"""Rows by position, their cells stripped."""

TAIL_ROWS = 50
"""How many rows a footer may have that is found."""
ROUNDING = 0.01
"""By how much a total may miss the sum."""

ERRORS = (
    UNSAVED,
    *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!"),
    *("#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#GETTING_DATA", "#PYTHON!"),
    *("#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#ÜBERLAUF!", "#KALK!"),
    *("#VALEUR!", "#NOM?", "#NOMBRE!", "#¡REF!", "#¡VALOR!", "#¡DIV/0!", "#¿NOMBRE?", "#¡NUM!"),
    *("#¡NULO!", "#RIF!", "#VALORE!", "#NOME?", "#N/D"),
)
"""What spreadsheets show in cells whose formula fails, in English and other languages; UNSAVED."""


@dataclass(frozen=True)
class BadCell:
    """A cell that holds an error of a spreadsheet, in a row (from 0) of its table."""

    row: int
    column: str
    error: str


@dataclass(frozen=True)
class Tidied:
    """What is left of a table: the lines of its rows, its bad cells, and what is to be told."""

    lines: Lines
    cells: tuple[BadCell, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Rows:
    """A table of text columns as it was read, its rows in place."""

    connection: duckdb.DuckDBPyConnection
    table: str
    columns: Sequence[str]

    def where(self, condition: str) -> Rows:
        """The rows that fulfil a condition, in order."""
        names = ", ".join(map(quote, self.columns))
        found = self.connection.execute(
            f"select rowid, {names} from {quote(self.table)} where {condition} order by rowid"
        ).fetchall()
        return {row: [(cell or "").strip() for cell in cells] for row, *cells in found}

    @property
    def first_cell(self) -> str:
        """SQL of a row's first cell that is not blank."""
        cells = (f"nullif(trim({quote(column)}), '')" for column in self.columns)
        return f"coalesce({', '.join(cells)}, NULL)"


def tidy(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    header: Sequence[str],
    lines: Lines,
    is_end_said: bool,
) -> Tidied:
    """Take out of a table of text what is no record, and put NULL where errors are.

    `header` are the columns' names as written; `is_end_said`: what ends the file is already gone,
    and what looks like a total is a record.
    """
    rows = _Rows(connection, table, columns)
    marked = rows.where(_may_be_no_record(rows, header))
    gone: dict[int, Sequence[str]] = {}
    notes = []

    def take(what: str, found: Rows) -> None:
        gone.update(found)
        if found:
            notes.append(f"{of_lines(lines(list(found)))} {what}, not read: {_shown(found)}")

    gone.update({row: cells for row, cells in marked.items() if not any(cells)})
    names = [name.strip().lower() for name in header]
    again = {row: cells for row, cells in marked.items() if [*map(str.lower, cells)] == names}
    take("the header again", again)
    if not is_end_said:
        take("a footer", _footer(rows, gone, lines))
    totals = {row: cells for row, cells in marked.items() if row not in gone}
    certain, doubtful = _totals(rows, totals, gone)
    if is_end_said:
        certain, doubtful = {}, {**certain, **doubtful}
    take("a total", certain)
    if doubtful:
        notes.append(
            f"{of_lines(lines(list(doubtful)))} perhaps a total, but read as a record: "
            f"{_shown(doubtful)}. If a total ends the file, say so in options: footer_rows: 1"
        )
    removed = sorted(gone)
    if removed:
        connection.execute(f"delete from {quote(table)} where rowid in ({_listed(removed)})")
    cells = tuple(_bad_cells(rows, removed))
    return Tidied(lines_without(lines, removed), cells, tuple(notes))


def _may_be_no_record(rows: _Rows, header: Sequence[str]) -> str:
    """SQL of whether a row is blank, the header again, or calls itself a total."""
    first = rows.first_cell
    conditions = [f"{first} is null", f"regexp_full_match({first}, {literal(TOTAL)}, 'i')"]
    named = [(quote(c), name.strip()) for c, name in zip(rows.columns, header, strict=True)]
    if sum(bool(name) for _, name in named) > 1:
        same = (
            f"lower(trim(coalesce({column}, ''))) = {literal(name.lower())}"
            for column, name in named
        )
        conditions.append(f"({' and '.join(same)})")
    return " or ".join(conditions)


def _footer(rows: _Rows, gone: Collection[int], lines: Lines) -> Rows:
    """The rows that end a table and are the footer of a report."""
    (count,) = one_row(rows.connection, f"select count(*) from {quote(rows.table)}")
    found = rows.where(f"rowid >= {count - TAIL_ROWS}")
    tail = {row: cells for row, cells in found.items() if row not in gone}
    if not any(map(ends_reports, tail.values())):
        return {}
    positions = list(tail)
    starts = dict(zip(positions, lines(positions), strict=True))
    for index, row in enumerate(positions):
        rest = {position: tail[position] for position in positions[index:]}
        before = starts[positions[index - 1]] if index else None
        is_apart = row - 1 in gone or (before or 0) + 1 < (starts[row] or 0)
        if (is_apart or ends_reports(tail[row])) and is_footer([*rest.values()]):
            return rest
    return {}


def _totals(rows: _Rows, named: Rows, gone: Collection[int]) -> tuple[Rows, Rows]:
    """Rows that are totals, and those that call themselves so and may be records.

    A total's first cell says so, and one of its numbers is the sum of the rows above, or of those
    since the total before. One that ends the table need not be the sum where it leaves two cells
    blank that every record fills, and need not say so where it is the sum and does that.
    """
    wordless = _wordless(rows, {*gone, *named})
    candidates = dict(sorted({**named, **wordless}.items()))
    if not candidates:
        return {}, {}
    filled, last = _filled(rows, {*gone, *candidates})
    sums = _sums(rows, candidates, gone)
    certain, doubtful = {}, {}
    for row, cells in candidates.items():
        emptied = sum(is_filled and not cell for is_filled, cell in zip(filled, cells, strict=True))
        is_sum, above = sums[row]
        if row in wordless:
            is_certain = is_sum and above > 1 and emptied > 1
        elif is_somebodys_total(cells):
            is_certain = is_sum and emptied > 0
        else:
            is_end = row > last and any(map(is_number, cells))
            is_certain = (is_sum and (emptied > 0 or above > 1)) or (is_end and emptied > 1)
        if is_certain:
            certain[row] = cells
        elif is_total(cells) or (row in wordless and is_sum):
            doubtful[row] = cells
    return certain, doubtful


def _wordless(rows: _Rows, others: Collection[int]) -> Rows:
    """The last row that is not among others, where its first cell is blank, and numbers follow."""
    last = rows.where(
        f"rowid = (select max(rowid) from {quote(rows.table)} {_but(others)}) "
        f"and nullif(trim({quote(rows.columns[0])}), '') is null"
    )
    return {
        row: cells for row, cells in last.items() if all(is_number(cell) for cell in cells if cell)
    }


def _filled(rows: _Rows, others: Collection[int]) -> tuple[Sequence[bool], int]:
    """Which columns every row fills that is not among others, and the last such row."""
    counts = ", ".join(f"count({quote(column)})" for column in rows.columns)
    last, count, *filled = one_row(
        rows.connection,
        f"select coalesce(max(rowid), -1), count(*), {counts} "
        f"from {quote(rows.table)} {_but(others)}",
    )
    return [count > 0 and number == count for number in filled], last


def _sums(rows: _Rows, candidates: Rows, gone: Collection[int]) -> dict[int, tuple[bool, int]]:
    """Of each candidate: whether a number of it is the sum of rows above, and how many they are."""
    numbers = [
        column
        for index, column in enumerate(rows.columns)
        if any(is_number(cells[index]) for cells in candidates.values())
    ]
    values = [read.format(quote(column)) for column in numbers for read in _NUMBERS]
    named = ", ".join(f"{value} as v{index}" for index, value in enumerate(values))
    sums = "".join(
        f", v{index}, sum(v{index}) filter (where not is_total) over upto"
        for index in range(len(values))
    )
    found = rows.connection.execute(f"""
        with numbers as (
            select rowid as row, rowid in ({_listed(candidates)}) as is_total
                {"," if named else ""} {named}
            from {quote(rows.table)} {_but(gone)}
        ),
        sums as (
            select row, is_total, count(*) filter (where not is_total) over upto {sums}
            from numbers window upto as (order by row)
        )
        select * exclude (is_total) from sums where is_total order by row
    """).fetchall()
    told: dict[int, tuple[bool, int]] = {}
    before: Sequence[float] = [0] * len(values)
    for row, above, *pairs in found:
        given, upto = pairs[::2], [total or 0 for total in pairs[1::2]]
        told[row] = (
            any(
                value and min(abs(value - total), abs(value - (total - seen))) <= ROUNDING
                for value, total, seen in zip(given, upto, before, strict=True)
            ),
            above,
        )
        before = upto
    return told


_PLAIN = "regexp_replace({}, '[\\s$€£''\\x{{A0}}]|[A-Z]{{3}}', '', 'g')"
_NUMBERS = (
    f"try_cast(replace({_PLAIN}, ',', '') as double)",
    f"try_cast(replace(replace({_PLAIN}, '.', ''), ',', '.') as double)",
)
"""SQL of a text as a number, its decimals after a point, or after a comma."""


def _bad_cells(rows: _Rows, removed: Sequence[int]) -> Iterable[BadCell]:
    """The cells that hold errors, which become NULL; `removed` rows came before."""
    table, errors = quote(rows.table), ", ".join(map(literal, ERRORS))
    may_be = ", ".join(f"bool_or(starts_with({quote(column)}, '#'))" for column in rows.columns)
    found = one_row(rows.connection, f"select {may_be} from {table}")
    for column, has_some in zip(rows.columns, found, strict=True):
        if not has_some:
            continue
        is_error = f"{quote(column)} in ({errors})"
        cells = rows.connection.execute(
            f"select rowid, {quote(column)} from {table} where {is_error} order by rowid"
        ).fetchall()
        for row, error in cells:
            yield BadCell(row - bisect.bisect(removed, row), column, error)
        rows.connection.execute(f"update {table} set {quote(column)} = null where {is_error}")


def lines_without(lines: Lines, removed: Sequence[int]) -> Lines:
    """The lines of the rows that are left once some (ascending) are removed."""
    if not removed:
        return lines
    before = [row - index for index, row in enumerate(removed)]
    return lambda rows: lines([row + bisect.bisect(before, row) for row in rows])


def _shown(rows: Rows) -> str:
    return "; ".join(shown(cells) for cells in [*rows.values()][:5])


def _but(rows: Collection[int]) -> str:
    return f"where rowid not in ({_listed(rows)})" if rows else ""


def _listed(rows: Iterable[int]) -> str:
    return ", ".join(map(str, rows))
