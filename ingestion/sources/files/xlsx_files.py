"""XLSX files: one sheet each, its first row the header."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.duckdb_sql import quote, register
from ingestion.errors import SourceError
from ingestion.sources.files.csv_files import unique_names
from ingestion.sources.files.numbers import decimal_text

if TYPE_CHECKING:
    import duckdb

EXACT_INTEGERS = 2**53


def read_xlsx(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, sheet: str | int
) -> tuple[tuple[str, ...], list[int]]:
    """Read a sheet into a new table of text columns; their names, and the row number of each row.

    Blank rows are left out. Raises SourceError when the file or the sheet cannot be read.
    """
    import pyarrow as pa

    cells = _sheet(file, sheet).to_python(skip_empty_area=False)
    rows = [
        (number, [_text(cell) for cell in row])
        for number, row in enumerate(cells, start=1)
        if any(cell != "" for cell in row)
    ]
    if not rows:
        raise SourceError(f"{file}: sheet {sheet!r} is empty; its first row must name the columns")
    header = unique_names(name or "" for name in rows[0][1])
    numbers = [number for number, _ in rows[1:]]
    columns = {
        name: pa.array((row[index] for _, row in rows[1:]), pa.string())
        for index, name in enumerate(header)
    }
    with register(connection, "§sheet", pa.table(columns)):
        connection.execute(f'create table {quote(table)} as from "§sheet"')
    return header, numbers


def _sheet(file: Path, sheet: str | int) -> Any:
    """The sheet of this name, or at this position from 0."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(file)
        names = book.sheet_names
        if isinstance(sheet, str) and sheet in names:
            return book.get_sheet_by_name(sheet)
        if isinstance(sheet, int) and sheet < len(names):
            return book.get_sheet_by_index(sheet)
    except (CalamineError, OSError) as error:
        raise SourceError(f"{file}: not a readable XLSX file: {error}") from None
    raise SourceError(f"{file}: no sheet {sheet!r}; there are: {', '.join(names)}")


def _text(cell: object) -> str | None:
    """A cell as a CSV export would write it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT_INTEGERS:
        return str(int(cell))
    if isinstance(cell, float):
        return decimal_text(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell) or None
