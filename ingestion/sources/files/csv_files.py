"""CSV files: parsed by fixed rules, never sniffed; lines that break them are set apart."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ingestion.duckdb_sql import literal, path_literal, quote
from ingestion.errors import SourceError
from ingestion.sources.files.settings import FileOptions
from ingestion.sources.files.text_files import CHUNK, has_line_feeds, plain_text, with_line_feeds

if TYPE_CHECKING:
    import duckdb

DELIMITERS = ",;\t|"
MAX_ROW_BYTES = 16 << 20


@dataclass(frozen=True)
class BrokenLine:
    """What cannot be read as a row: its physical line (from 1), whole text, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class CsvFile:
    """A CSV file as it was read: the plain text, its header, and what is broken in it."""

    path: Path
    delimiter: str
    columns: tuple[str, ...]
    broken: tuple[BrokenLine, ...] = ()

    def lines(self, rows: Sequence[int]) -> list[int | None]:
        """The physical lines (from 1) on which rows (from 0, ascending) start."""
        skipped = {line.line for line in self.broken}
        found: list[int | None] = []
        with self.path.open(encoding="latin-1", newline="\n") as file:
            starts = (start for start in self._starts(file) if start not in skipped)
            for row, start in enumerate(starts):
                if len(found) == len(rows):
                    break
                if row == rows[len(found)]:
                    found.append(start)
        return found + [None] * (len(rows) - len(found))

    def _starts(self, file: Iterable[str]) -> Iterator[int]:
        """The lines on which the records after the header start; blank lines are no records."""
        csv.field_size_limit(sys.maxsize)
        reader = csv.reader(file, delimiter=self.delimiter)
        next(reader)
        end = reader.line_num
        for record in reader:
            if record and (len(self.columns) > 1 or record[0]):
                yield end + 1
            end = reader.line_num


def read_csv(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    table: str,
    options: FileOptions,
    folder: Path,
) -> CsvFile:
    """Read a CSV file into a new table of text columns.

    Empty values are NULL. `folder` takes copies of files that DuckDB cannot read as they are.
    Raises SourceError when the file is empty or damaged.
    """
    import duckdb

    path = plain_text(file, options.encoding, folder)
    if not has_line_feeds(path):
        path = with_line_feeds(path, folder)
    delimiter, columns = _header(path, file, options.delimiter)
    try:
        _create_table(connection, table, path, delimiter, columns)
    except duckdb.InvalidInputException:
        # DuckDB gives up, without a line, on files that mix line ends.
        path = with_line_feeds(path, folder)
        _create_table(connection, table, path, delimiter, columns)
    broken = tuple(_broken_lines(connection, path, options.encoding))
    connection.execute("drop table reject_errors; drop table reject_scans")
    return CsvFile(path, delimiter, columns, broken)


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Column names that differ in more than case; one that has none is called by its number."""
    unique: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        base = given = name.strip() or f"column{number}"
        suffix = 1
        while given.lower() in unique:
            suffix += 1
            given = f"{base}_{suffix}"
        unique[given.lower()] = given
    return tuple(unique.values())


def _header(path: Path, file: Path, delimiter: str | None) -> tuple[str, tuple[str, ...]]:
    """The delimiter, and the columns that the first line names."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        first = lines.readline()
        if not first.strip():
            raise SourceError(f"{file}: empty; its first line must name the columns")
        delimiter = delimiter or max(DELIMITERS, key=first.count)
        lines.seek(0)
        return delimiter, unique_names(next(csv.reader(lines, delimiter=delimiter)))


def _create_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    delimiter: str,
    columns: Sequence[str],
) -> None:
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    # The only column of a blank line is NULL; where there are more, DuckDB skips blank lines.
    rows = f"where {quote(columns[0])} is not null" if len(columns) == 1 else ""
    connection.execute(
        f"create or replace table {quote(table)} as select * from read_csv({path_literal(path)}, "
        f"auto_detect = false, header = true, delim = {literal(delimiter)}, quote = '\"', "
        f"escape = '\"', columns = {{{types}}}, max_line_size = {MAX_ROW_BYTES}, "
        f"store_rejects = true) {rows}"
    )


def _broken_lines(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str
) -> Iterator[BrokenLine]:
    errors = connection.execute(
        "select line_byte_position - 1, any_value(csv_line), any_value(error_type), "
        "case any_value(error_type) when 'TOO MANY COLUMNS' "
        "then arg_max(error_message, column_idx) else arg_min(error_message, column_idx) end "
        "from reject_errors group by line_byte_position order by line_byte_position"
    ).fetchall()
    with path.open("rb") as file:
        line = 1
        for offset, text, error_type, message in errors:
            line += _line_ends(file, offset - file.tell())
            line += _blank_lines(file)
            if error_type == "INVALID ENCODING":
                start = file.tell()
                text = file.readline().decode("utf-8", "backslashreplace")
                file.seek(start)
                message = f"not valid {encoding}; options.encoding says what it is, e.g. cp1252"
            yield BrokenLine(line, text.strip("\r\n"), f"broken line: {message}")


def _line_ends(file: BinaryIO, length: int) -> int:
    """How many lines end in the next `length` bytes, which are read."""
    ended = 0
    while length > 0 and (chunk := file.read(min(length, CHUNK))):
        ended += chunk.count(b"\n")
        length -= len(chunk)
    return ended


def _blank_lines(file: BinaryIO) -> int:
    """How many blank lines come next; they are read."""
    count = 0
    while (byte := file.read(1)) in (b"\r", b"\n"):
        count += byte == b"\n"
    if byte:
        file.seek(-1, 1)
    return count
