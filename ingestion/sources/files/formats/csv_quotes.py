"""Quotes that nobody closes, or that take in records: what is then known of the lines within."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ingestion.errors import SourceError
from ingestion.sources.files.formats.broken_lines import BrokenLine
from ingestion.sources.files.formats.csv_file import CsvFile
from ingestion.sources.files.formats.csv_header import Header
from ingestion.sources.files.formats.layout import of_lines
from ingestion.sources.files.formats.limits import MAX_RECORD_BYTES, MAX_ROW_BYTES
from ingestion.sources.files.formats.text_files import skip_blank_lines
from ingestion.warehouse.duckdb_sql import literal, one_row, quote

if TYPE_CHECKING:
    import duckdb


MIN_COLUMNS = 4
"""How many columns tell lines of text, which have a comma or two, from records."""


def told_apart(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    file: Path,
    csv_file: CsvFile,
    broken: Mapping[int, BrokenLine],
) -> Iterator[BrokenLine]:
    """Broken lines, whole, and by themselves those that are records but for a quote that one opens.

    A quote that nobody closes takes all that follows into its line: as one row in thousands it
    would be within any tolerance. Raises SourceError where it takes in the rest of the file, or
    leaves it open which records there are.
    """
    header, has_quotes = csv_file.header, False
    with csv_file.path.open("rb") as source:
        for offset, line in broken.items():
            text = _record_at(source, offset, header.delimiter, f"{file}: line {line.line}")
            has_quotes |= "\n" in text
            (_, first), *others = _records_within(text, header)
            yield replace(line, text=first)
            for below, other in others:
                reason = (
                    f"broken line: in quotes that are not closed; the first is in line {line.line}"
                )
                yield BrokenLine((line.line or 0) + below, other, reason)
    if has_quotes:
        (rows,) = one_row(connection, f"select count(*) from {quote(table)}")
        if rows + len(broken) != csv_file.records():
            lines = of_lines([line.line for line in broken.values()])
            raise SourceError(
                f"{file}: its quotes leave it open which of its lines are records; {lines} broken. "
                "Close each quote, or write two for one that stands in a value"
            )


def _record_at(file: BinaryIO, offset: int, delimiter: str, place: str) -> str:
    """The text of the record at a byte, without blank lines above it.

    Raises SourceError, which says the `place`, where a quote in it is open when the file ends, or
    it is too long to be one.
    """
    csv.field_size_limit(sys.maxsize)
    file.seek(offset)
    skip_blank_lines(file)
    start, lines, is_open = file.tell(), 0, False

    def taken() -> Iterator[str]:
        nonlocal lines, is_open
        while raw := file.readline(MAX_RECORD_BYTES):
            lines += 1
            if file.tell() - start >= MAX_RECORD_BYTES:
                raise SourceError(
                    f"{place} begins a record of over {MAX_RECORD_BYTES >> 20} MB: it is none. "
                    "Close its quotes, or export the file again"
                )
            yield raw.decode("latin-1").replace("\r", " ")
        is_open = True

    next(csv.reader(taken(), delimiter=delimiter), None)
    if is_open and lines:
        raise SourceError(
            f"{place} opens a quote that nobody closes: it takes in the {lines:,} lines from there "
            "to the end of the file, and nobody can tell which are records, or whether the file "
            "was cut off. Close the quote, or write two for one that stands in a value, or export "
            "the file again"
        )
    length = file.tell() - start
    file.seek(start)
    return file.read(length).decode("utf-8", "backslashreplace").strip("\r\n")


def _records_within(text: str, header: Header) -> list[tuple[int, str]]:
    """The lines of a row, by how far below its first they are; what is no record goes with one."""
    if "\n" not in text or len(text) > MAX_ROW_BYTES:
        return [(0, text)]
    found: list[tuple[int, list[str]]] = []
    for below, line in enumerate(text.split("\n")):
        cells = next(csv.reader([line.replace("\r", " ")], delimiter=header.delimiter), [])
        is_record = len(header.names) in (len(cells), line.count(header.delimiter) + 1)
        if not found or (is_record and len(header.names) > 1):
            found.append((below, []))
        found[-1][1].append(line)
    return [(below, "\n".join(lines).strip("\r\n")) for below, lines in found]


@dataclass(frozen=True)
class Swallowing:
    """A row (from 0) with values in quotes that hold lines which look like records."""

    row: int
    lines: int
    value: str


def swallowing(
    connection: duckdb.DuckDBPyConnection, table: str, file: CsvFile
) -> list[Swallowing]:
    """Values in quotes that hold lines of as many values as the header has.

    A stray quote at the beginning of a value and one at the end of another, rows below, make one
    value of all that is between them, and nothing is broken.
    """
    names, mark = [quote(name) for name in file.columns], literal(file.header.delimiter)
    if len(names) < MIN_COLUMNS:
        return []
    has_lines = ", ".join(f"bool_or(contains({name}, chr(10)))" for name in names)
    are_long = one_row(connection, f"select {has_lines} from {quote(table)}")
    long = [name for name, is_long in zip(names, are_long, strict=True) if is_long]
    if not long:
        return []
    found = connection.execute(f"""
        select rowid, lines, value from (
            select rowid, concat_ws(chr(10), {", ".join(long)}) as value,
                list_sum([{
        ", ".join(
            f"len(list_filter(string_split(coalesce({name}, ''), chr(10))[2:], "
            f"lambda line: len(string_split(line, {mark})) = {len(names)}))"
            for name in long
        )
    }]) as lines
            from {quote(table)}
        ) where lines > 1 order by rowid
    """).fetchall()
    return [Swallowing(row, int(lines), value) for row, lines, value in found]


def told_of_swallowing(file: CsvFile, found: Sequence[Swallowing]) -> Iterator[str]:
    """What to say of values that may be records."""
    if found:
        (first,) = file.lines([found[0].row])
        yield (
            f"line {first} has a value in quotes that goes on over {found[0].lines:,} lines which "
            f"look like records, and are none now; {len(found):,} such values in all. If a quote "
            "is missing, mend it where it comes from; until then no record whose id stands in them "
            "is taken for deleted"
        )
