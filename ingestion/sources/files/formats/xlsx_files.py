"""XLSX files: one sheet each, the rows below the one that names the columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SourceError
from ingestion.sources.files.formats.layout import (
    SAMPLE_ROWS,
    header_index,
    of_lines,
    shown,
    unique_names,
)
from ingestion.sources.files.formats.limits import refuse_wide
from ingestion.sources.files.formats.xlsx_book import Sheet, read_sheet
from ingestion.sources.files.settings import FileOptions
from ingestion.warehouse.duckdb_sql import quote, register

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class XlsxFile:
    """A sheet as it was read: its header, and the number (from 1) of each row.

    `header` are the names as written, `indexes` the sheet's columns (from 0) that they name.
    `notes` say what of the sheet was not taken for rows.
    """

    sheet: str
    header_row: int
    header: tuple[str, ...]
    columns: tuple[str, ...]
    indexes: tuple[int, ...]
    numbers: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_xlsx(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, options: FileOptions
) -> XlsxFile:
    """Read a sheet into a new table of text columns; cells that hold errors are such as `#REF!`.

    Blank rows and columns are left out. Raises SourceError when the file or the sheet cannot be
    read.
    """
    import pyarrow as pa

    is_chosen = "sheet" in options.model_fields_set
    sheet = read_sheet(file, options.sheet, with_others=not is_chosen)
    top = _header_row(file, sheet, options)
    notes = []
    above = [number for number in sheet.filled if number < top]
    if above and options.header_row is None and options.skip_rows is None:
        titles = "; ".join(shown(sheet.rows[number]) for number in above)
        notes.append(f"row {top + 1} of sheet '{sheet.name}' names the columns; above it: {titles}")
    numbers = [number for number in sheet.filled if number > top]
    if options.footer_rows:
        if options.footer_rows > len(numbers):
            raise SourceError(
                f"{file}: options.footer_rows = {options.footer_rows}, but sheet '{sheet.name}' "
                f"has {len(numbers)} rows below row {top + 1}, which names the columns"
            )
        footer = numbers[-options.footer_rows :]
        numbers = numbers[: -options.footer_rows]
        lines = of_lines([number + 1 for number in footer])
        texts = "; ".join(shown(sheet.rows[number]) for number in footer[:6])
        notes.append(f"{lines} a footer, not read: {texts}")
    notes += _fill_down(sheet, top)
    names = _names(sheet, top)
    notes += _twins(sheet, names)
    rows = [sheet.rows[number] for number in numbers]
    indexes = [n for n, name in enumerate(names) if name or any(row[n].strip() for row in rows)]
    refuse_wide(file, len(indexes))
    header = tuple(names[index] for index in indexes)
    columns = unique_names(names)
    columns = tuple(columns[index] for index in indexes)
    arrays = {
        name: pa.array((row[index] or None for row in rows), pa.string())
        for name, index in zip(columns, indexes, strict=True)
    }
    with register(connection, "§sheet", pa.table(arrays)):
        connection.execute(f'create table {quote(table)} as from "§sheet"')
    return XlsxFile(
        sheet.name,
        top + 1,
        header,
        columns,
        tuple(indexes),
        tuple(number + 1 for number in numbers),
        tuple(notes),
    )


def _header_row(file: Path, sheet: Sheet, options: FileOptions) -> int:
    """The row (from 0) that names the columns."""
    filled = sheet.filled
    if not filled:
        raise SourceError(
            f"{file}: sheet '{sheet.name}' is empty; its first row must name the columns"
        )
    if options.header_row is not None:
        if options.header_row - 1 not in filled:
            raise SourceError(
                f"{file}: options.header_row = {options.header_row}, but that row of sheet "
                f"'{sheet.name}' is blank; the first that is not is row {filled[0] + 1}"
            )
        return options.header_row - 1
    if options.skip_rows is not None:
        below = [number for number in filled if number >= options.skip_rows]
        if not below:
            raise SourceError(
                f"{file}: options.skip_rows = {options.skip_rows}, but nothing is below that in "
                f"sheet '{sheet.name}'"
            )
        return below[0]
    bands = {first[0] for first, last in sheet.merged if first[1] < last[1]}
    spanned = {first[0] for first, last in sheet.merged if first[0] < last[0]}
    # A row with cells merged over columns, and cells merged with those below, is half a header.
    sample = [number for number in filled if number not in bands & spanned][:SAMPLE_ROWS]
    if not sample:
        return filled[0]
    return sample[
        header_index(
            [[cell.strip() for cell in _names(sheet, number)] for number in sample],
            [n for n in range(1, len(sample)) if sample[n] > sample[n - 1] + 1],
            [n for n, number in enumerate(sample) if number in bands],
        )
    ]


def _names(sheet: Sheet, row: int) -> list[str]:
    """A row's cells as names of columns: cells merged with those above say what these say."""
    names = [cell.strip() for cell in sheet.rows[row]]
    for (top, left), (bottom, right) in sheet.merged:
        if top < row <= bottom and left == right and not names[left]:
            names[left] = sheet.rows[top][left].strip()
    return names


def _fill_down(sheet: Sheet, top: int) -> Iterator[str]:
    """Give every row its value of cells below the header that are merged over rows; tell of it."""
    merged = [one for one in sheet.merged if one[0][0] > top and one[0][0] < one[1][0]]
    for (first, column), (last, _) in merged:
        for row in sheet.rows[first + 1 : last + 1]:
            row[column] = sheet.rows[first][column]
    if merged:
        lines = of_lines([first + 1 for (first, _), _ in itertools.islice(merged, 50)])
        yield f"{lines} merged with rows below in some column: each row was given the value"


def _twins(sheet: Sheet, names: list[str]) -> Iterator[str]:
    """Tell of sheets that have the same columns as the one that was read, and were not read."""
    header = [name for name in names if name]
    twins = [
        other
        for other, rows in sheet.others.items()
        if any([text for cell in row if (text := cell.strip())] == header for row in rows)
    ]
    if twins:
        listed = ", ".join(map(repr, twins))
        yield (
            f"sheet '{sheet.name}' was read, but not {listed}, which has the same columns: say "
            f"which in options, such as sheet: {twins[0]}"
        )
