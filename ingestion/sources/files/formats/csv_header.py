"""How a CSV file separates its values, and which of its lines names the columns."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingestion.errors import SourceError
from ingestion.sources.files.formats.layout import SAMPLE_ROWS, header_index, shown
from ingestion.sources.files.formats.text_files import CHUNK
from ingestion.sources.files.settings import FileOptions

DELIMITERS = ",;\t|"

_SEP = re.compile(r'"?sep=(?P<delimiter>.)"?[,;\t| ]*\n', re.IGNORECASE)
"""The first line by which Excel is told what separates values."""

NO_TEXT = re.compile("[\0-\b\x0e-\x1f\ufffd]")
"""What no name of a column holds: control characters, and what stands for bytes that are none."""


@dataclass(frozen=True)
class Header:
    """The line (from 1) that names the columns, the names as written, and what separates them.

    `above` are the lines over it, where it was found below others.
    """

    delimiter: str
    line: int
    names: tuple[str, ...]
    above: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """The beginning of a file read with a delimiter: its rows, by line, and which is the header."""

    delimiter: str
    rows: tuple[tuple[int, list[str]], ...]
    index: int

    @property
    def header(self) -> list[str]:
        return self.rows[self.index][1]

    @property
    def score(self) -> tuple[int, bool, int]:
        """How well the delimiter fits: how often it separates values as in the header, and so on.

        Of two that separate anything the one that scores higher is right.
        """
        width, below = len(self.header), self.rows[self.index + 1 :]
        if width < 2:
            return (0, False, 0)
        fitting = sum(len(row) >= width and not any(row[width:]) for _, row in below)
        return (fitting * (width - 1), self.index == 0, width)


def find_header(path: Path, file: Path, options: FileOptions) -> Header:
    """The header of a file whose plain text is in `path`.

    Raises SourceError naming the file, the line and the option that helps.
    """
    text, is_whole = _beginning(path)
    sep = _SEP.match(text)
    skipped = options.skip_rows if options.header_row is None else options.header_row - 1
    is_said = skipped is not None
    skipped = skipped or (1 if sep and not is_said else 0)
    text = text.split("\n", skipped)[-1] if text.count("\n") >= skipped else ""
    given = options.delimiter or (sep["delimiter"] if sep else None)
    readings = []
    for delimiter in given or DELIMITERS:
        rows = tuple(_rows(text, delimiter, skipped, is_whole))
        if not rows:
            raise SourceError(f"{file}: {_nothing(options)}")
        gaps = [n for n in range(1, len(rows)) if rows[n][0] > rows[n - 1][0] + 1]
        index = 0 if is_said else header_index([row for _, row in rows], gaps)
        readings.append(_Reading(delimiter, rows, index))
    best, *others = sorted(readings, key=lambda reading: reading.score, reverse=True)
    line, names = best.rows[best.index]
    if NO_TEXT.search("".join(names)):
        raise SourceError(
            f"{file}: line {line}, which names the columns, is no text in {options.encoding}: say "
            "in options what it is written in, such as encoding: cp1252; if it is no CSV file, "
            "export it as one"
        )
    if any(other.score == best.score > (0, False, 0) for other in others):
        equal = [repr(one.delimiter) for one in readings if one.score == best.score]
        raise SourceError(
            f"{file}: line {line} ({shown(names)}) may be separated by {' or '.join(equal)}: say "
            f"which in options, such as delimiter: {equal[-1]}"
        )
    if options.header_row not in (None, line):
        raise SourceError(f"{file}: options.header_row = {options.header_row}, but it is blank")
    above = tuple(shown(row) for _, row in best.rows[: best.index])
    return Header(best.delimiter, line, tuple(names), above)


def _beginning(path: Path) -> tuple[str, bool]:
    """The first lines of a file, without stray carriage returns, and whether they are all."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        text = file.read(CHUNK)
        is_whole = not file.read(1)
    return text.replace("\r\n", "\n").replace("\r", " "), is_whole


def _rows(
    text: str, delimiter: str, skipped: int, is_whole: bool
) -> Iterator[tuple[int, list[str]]]:
    """The first rows that are not blank, with their lines; a last one that is cut off left out."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter)
    rows = []
    line = skipped + 1
    for row in islice(reader, SAMPLE_ROWS):
        cells = [cell.strip() for cell in row]
        if any(cells):
            rows.append((line, cells))
        line = skipped + reader.line_num + 1
    is_cut_off = not is_whole and next(reader, None) is None
    yield from rows[:-1] if is_cut_off and len(rows) > 1 else rows


def _nothing(options: FileOptions) -> str:
    if options.header_row is not None:
        return f"options.header_row = {options.header_row}, but it has fewer lines"
    if options.skip_rows is not None:
        return f"options.skip_rows = {options.skip_rows}, but nothing is below that"
    return "empty; its first line must name the columns"
