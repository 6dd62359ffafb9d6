"""A CSV file as it was read."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.sources.files.formats.broken_lines import BrokenLine
from ingestion.sources.files.formats.csv_header import Header


@dataclass(frozen=True)
class CsvFile:
    """A CSV file as it was read: the plain text of its rows, and what is broken in it.

    The first line of `path` is the header's, which is line `header.line` of the file. `notes` say
    what of the file was not taken for rows; `swallowed` are values that may be records themselves.
    `ends_in` is the last line where it does not end: the file may have been cut off there.
    """

    path: Path
    header: Header
    columns: tuple[str, ...]
    broken: tuple[BrokenLine, ...] = ()
    notes: tuple[str, ...] = ()
    swallowed: tuple[str, ...] = ()
    ends_in: int | None = None

    def lines(self, rows: Sequence[int]) -> list[int | None]:
        """The physical lines (from 1) on which rows (from 0, ascending) start."""
        skipped = {line.line for line in self.broken}
        found: list[int | None] = []
        starts = (start for start in self._starts() if start not in skipped)
        for row, start in enumerate(starts):
            if len(found) == len(rows):
                break
            if row == rows[len(found)]:
                found.append(start)
        return found + [None] * (len(rows) - len(found))

    def records(self) -> int:
        """How many records there are, broken ones among them."""
        return sum(1 for _ in self._starts())

    def _starts(self) -> Iterator[int]:
        """The lines on which the records after the header start; blank lines are no records."""
        csv.field_size_limit(sys.maxsize)
        with self.path.open(encoding="latin-1", newline="\n") as file:
            reader = csv.reader(file, delimiter=self.header.delimiter)
            next(reader)
            end = reader.line_num
            for record in reader:
                if record and (len(self.columns) > 1 or record[0]):
                    yield self.header.line + end
                end = reader.line_num
