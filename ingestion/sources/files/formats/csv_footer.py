"""Footers of CSV files: lines below the records that are none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ingestion.sources.files.formats.broken_lines import BrokenLine
from ingestion.sources.files.formats.csv_header import Header
from ingestion.sources.files.formats.layout import ends_reports, is_footer, of_lines
from ingestion.sources.files.formats.text_files import line_at, text_from

FOOTER_BYTES = 1 << 16
"""How long a footer may be that is found."""


def footer_start(
    path: Path, header: Header, broken: dict[int, BrokenLine], has_rows: bool
) -> int | None:
    """Where the footer begins that ends a file, if there is one.

    Where the file has rows and ends with lines that have too few values and may be a footer or not,
    their reasons come to say so.
    """
    earliest = path.stat().st_size - FOOTER_BYTES
    offsets = sorted(offset for offset in broken if offset >= earliest)
    ends = {offset: text_from(path, offset) for offset in offsets}
    rows = {offset: list(_parsed(text, header.delimiter)) for offset, text in ends.items()}
    for offset, text in ends.items():
        is_apart = text[:1] in ("\r", "\n") or ends_reports(rows[offset][0])
        if is_apart and is_footer(rows[offset]):
            return offset
    for index, offset in enumerate(offsets):
        rest = offsets[index:]
        if "\n" in broken[offset].text or not has_rows:
            break  # What an open quote swallowed is no footer, and a whole file none either.
        if len(rows[offset]) == len(rest) and max(map(len, rows[offset])) < len(header.names):
            hint = f"; if the file ends with a footer, say so in options: footer_rows: {len(rest)}"
            broken.update((s, replace(broken[s], reason=broken[s].reason + hint)) for s in rest)
            break
    return None


def footer_note(path: Path, offset: int, first_line: int) -> str:
    """What a footer says, and where it is; `first_line` is the number of the path's first line."""
    text = text_from(path, offset)
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), first_line + line_at(path, offset) - 1)
        if line.strip()
    ]
    shown = "; ".join(line.strip('"') for _, line in lines[:6])
    return f"{of_lines([number for number, _ in lines])} a footer, not read: {shown}"


def _parsed(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a text that are not blank, their cells stripped."""
    plain = text.replace("\r\n", "\n").replace("\r", " ")
    for row in csv.reader(io.StringIO(plain, newline="\n"), delimiter=delimiter):
        if row:
            yield [cell.strip() for cell in row]
