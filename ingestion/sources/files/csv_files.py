"""CSV files: parsed by fixed rules, never sniffed; lines that break them are set apart."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ingestion.errors import SourceError
from ingestion.sources.files.csv_header import Header, find_header
from ingestion.sources.files.layout import ends_reports, is_footer, of_lines
from ingestion.sources.files.limits import MAX_RECORD_BYTES, MAX_ROW_BYTES, refuse_wide
from ingestion.sources.files.settings import FileOptions
from ingestion.sources.files.text_files import (
    CHUNK,
    cut,
    has_line_feeds,
    last_lines,
    line_at,
    plain_text,
    text_from,
    unended_line,
    with_line_feeds,
)
from ingestion.warehouse.duckdb_sql import literal, one_row, path_literal, quote

if TYPE_CHECKING:
    import duckdb

FOOTER_BYTES = 1 << 16
"""How long a footer may be that is found."""
MIN_COLUMNS = 4
"""How many columns tell lines of text, which have a comma or two, from records."""


@dataclass(frozen=True)
class BrokenLine:
    """What cannot be taken as a row: its physical line (from 1), whole text, and why.

    `values` are the row's own, by column, where it has any.
    """

    line: int | None
    text: str
    reason: str
    values: Mapping[str, str | None] | None = None

    @property
    def record(self) -> str:
        """The whole row, as a JSON object."""
        return json.dumps(self.values or {"line": self.text}, ensure_ascii=False)


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
    path = plain_text(file, options.encoding, folder)
    if not has_line_feeds(path):
        path = with_line_feeds(path, folder)
    header = find_header(path, file, options)
    refuse_wide(file, len(header.names))
    ends_in = unended_line(path)
    notes = []
    if header.above:
        notes.append(f"line {header.line} names the columns; above it: {'; '.join(header.above)}")
    end = None
    if options.footer_rows:
        end = last_lines(path, options.footer_rows)
        if end is None or line_at(path, end) <= header.line:
            raise SourceError(
                f"{file}: options.footer_rows = {options.footer_rows}, but there are fewer lines "
                f"below line {header.line}, which names the columns"
            )
        notes.append(_footer_note(path, end, 1))
    if header.line > 1 or end is not None:
        path = cut(path, header.line - 1, end, folder)
    path, broken = _load(connection, table, path, header, options, folder)
    if options.footer_rows is None and broken:
        rows = connection.execute(f"from {quote(table)} limit 1").fetchall()
        footer = _footer_start(path, header, broken, bool(rows))
        if footer is not None:
            notes.append(_footer_note(path, footer, header.line))
            path = cut(path, 0, footer, folder)
            path, broken = _load(connection, table, path, header, options, folder)
    csv_file = CsvFile(path, header, unique_names(header.names), ends_in=ends_in)
    lines = tuple(_told_apart(connection, table, file, csv_file, broken))
    csv_file = replace(csv_file, broken=lines)
    swallowed = _swallowing(connection, table, csv_file)
    notes += _told_of_swallowing(csv_file, swallowed)
    values = tuple(one.value for one in swallowed)
    return replace(csv_file, notes=tuple(notes), swallowed=values)


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Column names that differ in more than case; one that has none is called by its number.

    `rowid` becomes `row_id`: DuckDB's own rowid is what tells rows from each other.
    """
    unique: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        base = given = name.strip() or f"column{number}"
        if base.lower() == "rowid":
            base = given = "row_id"
        suffix = 1
        while given.lower() in unique:
            suffix += 1
            given = f"{base}_{suffix}"
        unique[given.lower()] = given
    return tuple(unique.values())


def _load(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    header: Header,
    options: FileOptions,
    folder: Path,
) -> tuple[Path, dict[int, BrokenLine]]:
    """Make the table; the text that it was made of, and its broken lines by where they begin."""
    import duckdb

    columns = unique_names(header.names)
    try:
        _create_table(connection, table, path, header.delimiter, columns)
    except duckdb.InvalidInputException:
        # DuckDB gives up, without a line, on files that mix line ends.
        path = with_line_feeds(path, folder)
        _create_table(connection, table, path, header.delimiter, columns)
    broken = dict(_broken_lines(connection, path, options.encoding, header.line))
    connection.execute("drop table reject_errors; drop table reject_scans")
    return path, broken


def _footer_start(
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


def _footer_note(path: Path, offset: int, first_line: int) -> str:
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
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str, first_line: int
) -> Iterator[tuple[int, BrokenLine]]:
    """Broken lines, by the bytes before them and the blank lines above them."""
    errors = connection.execute(
        "select line_byte_position - 1, any_value(csv_line), any_value(error_type), "
        "case any_value(error_type) when 'TOO MANY COLUMNS' "
        "then arg_max(error_message, column_idx) else arg_min(error_message, column_idx) end "
        "from reject_errors group by line_byte_position order by line_byte_position"
    ).fetchall()
    with path.open("rb") as file:
        line = first_line
        for offset, text, error_type, message in errors:
            line += _line_ends(file, offset - file.tell())
            line += _blank_lines(file)
            if error_type == "LINE SIZE OVER MAXIMUM":
                message = f"longer than {MAX_ROW_BYTES >> 20} MB"
            if error_type == "INVALID ENCODING":
                start = file.tell()
                text = file.readline().decode("utf-8", "backslashreplace")
                file.seek(start)
                message = f"not valid {encoding}; options.encoding says what it is, e.g. cp1252"
            yield offset, BrokenLine(line, text.strip("\r\n"), f"broken line: {message}")


def _told_apart(
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
    _blank_lines(file)
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
class _Swallowing:
    """A row (from 0) with values in quotes that hold lines which look like records."""

    row: int
    lines: int
    value: str


def _swallowing(
    connection: duckdb.DuckDBPyConnection, table: str, file: CsvFile
) -> list[_Swallowing]:
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
    return [_Swallowing(row, int(lines), value) for row, lines, value in found]


def _told_of_swallowing(file: CsvFile, found: Sequence[_Swallowing]) -> Iterator[str]:
    """What to say of values that may be records."""
    if found:
        (first,) = file.lines([found[0].row])
        yield (
            f"line {first} has a value in quotes that goes on over {found[0].lines:,} lines which "
            f"look like records, and are none now; {len(found):,} such values in all. If a quote "
            "is missing, mend it where it comes from; until then no record whose id stands in them "
            "is taken for deleted"
        )


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
