"""CSV files: parsed by fixed rules, never sniffed; lines that break them are set apart."""

from __future__ import annotations

import codecs
import csv
import gzip
import shutil
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from ingestion.company import FileOptions
from ingestion.errors import SourceError
from ingestion.sources.files.sql import literal, quote

if TYPE_CHECKING:
    import duckdb

DELIMITERS = ",;\t|"
MAX_ROW_BYTES = 16 << 20

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class BrokenLine:
    """What cannot be read as a row: its physical line (from 1), whole text, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class CsvText:
    """A CSV file as DuckDB reads it: UTF-8, not compressed, perhaps a copy."""

    path: Path
    delimiter: str
    columns: tuple[str, ...]

    def lines(self, rows: Sequence[int], broken: Iterable[BrokenLine]) -> list[int | None]:
        """The physical lines (from 1) on which rows (from 0, ascending) start."""
        skipped = {line.line for line in broken}
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
            if record:
                yield end + 1
            end = reader.line_num


def read_csv(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    table: str,
    options: FileOptions,
    folder: Path,
) -> tuple[CsvText, tuple[BrokenLine, ...]]:
    """Read a CSV file into a new table of text columns.

    `folder` takes a plain copy of a file that is compressed or not UTF-8. Raises SourceError when
    the file is empty or damaged.
    """
    text = _open(_plain(file, options.encoding, folder), file, options.delimiter)
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in text.columns)
    connection.execute(
        f"create table {quote(table)} as select * from read_csv({literal(text.path)}, "
        f"auto_detect = false, header = true, delim = {literal(text.delimiter)}, quote = '\"', "
        f"escape = '\"', columns = {{{columns}}}, max_line_size = {MAX_ROW_BYTES}, "
        "store_rejects = true)"
    )
    broken = tuple(_broken_lines(connection, text.path, options.encoding))
    connection.execute("drop table reject_errors; drop table reject_scans")
    return text, broken


def _plain(file: Path, encoding: str, folder: Path) -> Path:
    """The file itself, or a decompressed UTF-8 copy of it."""
    is_gzip = file.suffix.lower() == ".gz"
    try:
        with _open_bytes(file, is_gzip) as source:
            head = source.read(3)
            source.seek(0)
            for mark, marked in _BOMS.items():
                if head.startswith(mark):
                    encoding = marked
            is_utf8 = codecs.lookup(encoding).name in ("utf-8", "ascii")
            if is_utf8 and not is_gzip:
                return file
            copy = folder / f"{len(list(folder.iterdir()))}.csv"
            with copy.open("wb") as target:
                if is_utf8:
                    shutil.copyfileobj(source, target, 1 << 20)
                else:
                    _transcode(source, encoding, target)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            f"{file}: damaged or truncated gzip file ({error}); export it again"
        ) from None
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror or error})") from None
    return copy


def _open_bytes(file: Path, is_gzip: bool) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file)) if is_gzip else file.open("rb")


def _transcode(source: BinaryIO, encoding: str, target: BinaryIO) -> None:
    """Copy as UTF-8. What the encoding cannot decode stays as it is: a broken line, later."""
    reader = codecs.getreader(encoding)(source, "surrogateescape")
    while chunk := reader.read(1 << 20):
        target.write(chunk.encode("utf-8", "surrogateescape"))


def _open(path: Path, file: Path, delimiter: str | None) -> CsvText:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        header = next(lines, "")
        if not header.strip():
            raise SourceError(f"{file}: empty; its first line must name the columns")
        delimiter = delimiter or max(DELIMITERS, key=header.count)
        lines.seek(0)
        names = next(csv.reader(lines, delimiter=delimiter))
    return CsvText(path, delimiter, tuple(unique_names(names)))


def unique_names(names: Iterable[str]) -> Iterator[str]:
    """Column names that differ in more than case; a column without a name is called by number."""
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        base = unique = name.strip() or f"column{number}"
        suffix = 1
        while unique.lower() in taken:
            suffix += 1
            unique = f"{base}_{suffix}"
        taken.add(unique.lower())
        yield unique


def _broken_lines(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str
) -> Iterator[BrokenLine]:
    errors = connection.execute(
        "select line_byte_position - 1, any_value(csv_line), any_value(error_type), "
        "string_agg(distinct error_message, '; ') from reject_errors "
        "group by line_byte_position order by line_byte_position"
    ).fetchall()
    if not errors:
        return
    with path.open("rb") as file:
        line = 1
        for offset, text, error_type, message in errors:
            line += _newlines(file, offset - file.tell())
            blank = _newlines_ahead(file)
            if error_type == "INVALID ENCODING":
                raw = file.read(len(text.encode())).split(b"\n")[0]
                text = raw.decode("utf-8", "backslashreplace")
                message = f"not valid {encoding}; say what it is in options.encoding, e.g. cp1252"
            yield BrokenLine(line + blank, text.strip("\r\n"), f"broken line: {message}")
            file.seek(offset)


def _newlines(file: BinaryIO, length: int) -> int:
    """How many lines end in the next `length` bytes, which are read."""
    ended = 0
    while length > 0 and (chunk := file.read(min(length, 1 << 20))):
        ended += chunk.count(b"\n")
        length -= len(chunk)
    return ended


def _newlines_ahead(file: BinaryIO) -> int:
    """How many blank lines come next; they are read."""
    blank = 0
    while (byte := file.read(1)) in (b"\r", b"\n"):
        blank += byte == b"\n"
    if byte:
        file.seek(-1, 1)
    return blank
