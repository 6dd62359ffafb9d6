"""Sheets of XLSX workbooks as text, read apart where a workbook may ask for more than there is.

A workbook is compressed, and what it unpacks to is its own say: some kilobytes can stand for
hundreds of gigabytes. Small ones are measured before they are read; others are read by a process
of their own, with limits, that may die of them.
"""

from __future__ import annotations

import datetime as dt
import json
import marshal
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ingestion.errors import SourceError
from ingestion.paths import PROJECT
from ingestion.sources.files.formats.layout import SAMPLE_ROWS
from ingestion.sources.files.formats.limits import MAX_ROW_BYTES
from ingestion.sources.files.formats.xlsx_errors import UnmeasuredError, cell_name, error_cells
from ingestion.sources.files.set_aside import ERRORS
from ingestion.sources.files.values.numbers import decimal_text

SMALL_BYTES, SMALL_UNPACKED = 2 << 20, 32 << 20
"""Up to which size, packed and unpacked, a workbook is read without a process of its own."""
MAX_MEMORY, MAX_SECONDS = 4 << 30, 300
"""What the reading of a larger one may take."""
ROWS_AT_ONCE = 10_000

EXACT_INTEGERS = 2**53

Range = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last cell of merged ones, each by row and column from 0."""


@dataclass(frozen=True)
class Sheet:
    """A sheet's name, its rows of text (blank ones, too), and its merged cells.

    `others` are the first rows of the workbook's other worksheets, where they are asked for.
    """

    name: str
    rows: list[list[str]]
    merged: tuple[Range, ...]
    others: dict[str, list[list[str]]] = field(default_factory=dict)

    @property
    def filled(self) -> list[int]:
        """The rows (from 0) that are not blank."""
        return [number for number, row in enumerate(self.rows) if any(map(str.strip, row))]


def read_sheet(file: Path, wanted: str | int, with_others: bool) -> Sheet:
    """The sheet of this name, or at this position from 0.

    Raises SourceError where the file cannot be read, has no such sheet, or takes too much.
    """
    if _is_small(file):
        with suppress(UnmeasuredError):
            return read_here(file, wanted, with_others, is_limited=False)
    return _read_apart(file, wanted, with_others)


def read_here(file: Path, wanted: str | int, with_others: bool, is_limited: bool) -> Sheet:
    """`read_sheet`, in this process: it may ask for anything where it `is_limited`.

    Raises UnmeasuredError, too.
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    try:
        book = CalamineWorkbook.from_path(file)
        names = book.sheet_names
        name = str(wanted)
        if name not in names and isinstance(wanted, int) and 0 <= wanted < len(names):
            name = names[wanted]
        if name not in names:
            raise _no_such_sheet(file, wanted, names)
        errors = error_cells(file, name, is_limited)
        sheet = book.get_sheet_by_name(name)
        rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
        if is_limited:
            _refuse_long(file, name, rows)
        for (row, column), error in errors.items():
            _reach(rows, row, column)
            rows[row][column] = error if error in ERRORS else "#UNKNOWN!"
        merged = tuple(one for one in sheet.merged_cell_ranges or () if _is_within(one, rows))
        others = {}
        if with_others:
            sheets = [it.name for it in book.sheets_metadata if it.typ == SheetTypeEnum.WorkSheet]
            for other in sheets:
                if other != name and _can_be_read(file, other, is_limited):
                    cells = book.get_sheet_by_name(other).to_python(nrows=SAMPLE_ROWS)
                    others[other] = [[_text(cell) for cell in row] for row in cells]
        return Sheet(name, rows, merged, others)
    except (CalamineError, OSError) as error:
        raise SourceError(
            f"{file}: not a readable XLSX file ({error}); save it again as XLSX, or the sheet as "
            "CSV"
        ) from None


def _no_such_sheet(file: Path, wanted: str | int, names: list[str]) -> SourceError:
    position = " (a number that no sheet is called is a position from 0)"
    return SourceError(
        f"{file}: no sheet {wanted!r}{position if isinstance(wanted, int) else ''}; there are: "
        f"{', '.join(names)}"
    )


def _is_small(file: Path) -> bool:
    """Whether reading a workbook can take little only, or it is none."""
    try:
        with zipfile.ZipFile(file) as book:
            unpacked = sum(part.file_size for part in book.infolist())
        return file.stat().st_size <= SMALL_BYTES and unpacked <= SMALL_UNPACKED
    except (zipfile.BadZipFile, OSError):
        return True


def _read_apart(file: Path, wanted: str | int, with_others: bool) -> Sheet:
    """`read_sheet`, by a process that has limits."""
    command = [sys.executable, "-m", "ingestion.sources.files.formats.xlsx_apart"]
    asked = json.dumps([str(file.absolute()), wanted, with_others, MAX_MEMORY, MAX_SECONDS])
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [*command, asked], cwd=PROJECT, stdout=output, stderr=subprocess.PIPE, check=False
        )
        if done.returncode == 2:
            raise SourceError(*done.stderr.decode("utf-8", "replace").splitlines())
        if done.returncode:
            raise SourceError(
                f"{file}: reading it takes more than {MAX_MEMORY >> 30} GB of memory or "
                f"{MAX_SECONDS} seconds; save the sheet as CSV, or remove what is not needed"
            )
        output.seek(0)
        return Sheet(*_received(output))


def sent(sheet: Sheet, output: BinaryIO) -> None:
    """Hand a sheet to the process that asked for it."""
    marshal.dump((sheet.name, len(sheet.rows), sheet.merged, sheet.others), output)
    for start in range(0, len(sheet.rows), ROWS_AT_ONCE):
        marshal.dump(sheet.rows[start : start + ROWS_AT_ONCE], output)


def _received(
    output: BinaryIO,
) -> tuple[str, list[list[str]], tuple[Range, ...], dict[str, list[list[str]]]]:
    name, count, merged, others = marshal.load(output)
    rows: list[list[str]] = []
    while len(rows) < count:
        rows += marshal.load(output)
    return name, rows, merged, others


def _refuse_long(file: Path, sheet: str, rows: list[list[str]]) -> None:
    """Stop the reading of a sheet with a value longer than any that a spreadsheet can hold."""
    for number, row in enumerate(rows):
        if max(map(len, row), default=0) > MAX_ROW_BYTES:
            column = next(n for n, cell in enumerate(row) if len(cell) > MAX_ROW_BYTES)
            raise SourceError(
                f"{file}: sheet '{sheet}', cell {cell_name(number, column)}: a value of "
                f"{len(row[column]):,} characters; shorten it or empty the cell"
            )


def _can_be_read(file: Path, sheet: str, is_limited: bool) -> bool:
    try:
        error_cells(file, sheet, is_limited)
    except SourceError:
        return False
    return True


def _is_within(merged: Range, rows: list[list[str]]) -> bool:
    """Whether merged cells begin where rows, all of one length, have cells."""
    (row, column), _ = merged
    return row < len(rows) and column < len(rows[0])


def _reach(rows: list[list[str]], row: int, column: int) -> None:
    """Let rows, all of one length, have a cell: the reader ends before blank ones."""
    width = len(rows[0]) if rows else 0
    rows += [[""] * width for _ in range(row + 1 - len(rows))]
    if column >= width:
        for cells in rows:
            cells += [""] * (column + 1 - width)


def _text(cell: object) -> str:
    """A cell as a CSV export would write it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT_INTEGERS:
        return str(int(cell))
    if isinstance(cell, float):
        return decimal_text(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell)
