"""XLSX files: one sheet each, its first row the header."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SourceError
from ingestion.sources.files.csv_files import unique_names
from ingestion.sources.files.sql import quote

if TYPE_CHECKING:
    import duckdb


def read_xlsx(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, sheet: str | int
) -> list[int]:
    """Read a sheet into a new table of text columns; the sheet's row number of each row.

    Blank rows are left out. Raises SourceError when the file or the sheet cannot be read.
    """
    import pyarrow as pa
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(file)
        names = book.sheet_names
        if sheet not in (names if isinstance(sheet, str) else range(len(names))):
            raise SourceError(f"{file}: no sheet {sheet!r}; there are: {', '.join(names)}")
        found = (
            book.get_sheet_by_name(sheet)
            if isinstance(sheet, str)
            else book.get_sheet_by_index(sheet)
        )
        cells = found.to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise SourceError(f"{file}: not a readable XLSX file ({error})") from None
    rows = [
        (number, [_text(cell) for cell in row]) for number, row in enumerate(cells, start=1)
    ]
    rows = [(number, row) for number, row in rows if any(cell is not None for cell in row)]
    if not rows:
        raise SourceError(f"{file}: sheet '{found.name}' is empty; its first row must name columns")
    header = list(unique_names(name or "" for name in rows[0][1]))
    columns = zip(*(row for _, row in rows[1:]), strict=True) if rows[1:] else ((),) * len(header)
    arrow = pa.table({name: pa.array(c, pa.string()) for name, c in zip(header, columns, strict=True)})
    connection.register("§sheet", arrow)
    connection.execute(f'create table {quote(table)} as from "§sheet"')
    connection.unregister("§sheet")
    return [number for number, _ in rows[1:]]


def _text(cell: object) -> str | None:
    """A cell as it would be written in a CSV file."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell) or None
