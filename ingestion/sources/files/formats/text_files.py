"""Text files as DuckDB reads them: decompressed, in UTF-8, with one kind of line end."""

from __future__ import annotations

import codecs
import gzip
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from ingestion.errors import SourceError

CHUNK = 1 << 20

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def plain_text(file: Path, encoding: str, folder: Path) -> Path:
    """The file itself when it is UTF-8 and not compressed, else such a copy of it in `folder`.

    A byte order mark overrules `encoding`. What the encoding cannot decode is copied as it is.
    Raises SourceError when the file cannot be read or its compression is damaged.
    """
    is_gzip = file.suffix.lower() == ".gz"
    try:
        with cast(BinaryIO, gzip.open(file)) if is_gzip else file.open("rb") as source:
            head = source.read(3)
            source.seek(0)
            marked = (name for mark, name in _BOMS.items() if head.startswith(mark))
            encoding = next(marked, encoding)
            is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
            if is_utf8 and b"\0" in head[:2]:
                order = "be" if head.startswith(b"\0") else "le"
                raise SourceError(
                    f"{file}: not {encoding}, but UTF-16 without a byte order mark; say so in "
                    f"options: encoding: utf-16-{order}"
                )
            if is_utf8 and not is_gzip:
                return file
            copy = _new_file(folder)
            with copy.open("wb") as target:
                if is_utf8:
                    shutil.copyfileobj(source, target, CHUNK)
                else:
                    _transcode(source, encoding, target)
            return copy
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            f"{file}: damaged or truncated gzip file ({error}); export or copy it again"
        ) from None
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror or error})") from None


def with_line_feeds(path: Path, folder: Path) -> Path:
    """A copy in `folder` in which every line ends in a line feed.

    A carriage return that stands alone ends a line only in a file that has no line feeds; in
    any other it is a stray character of a value and becomes a space.
    """
    with path.open("rb") as source:
        lone = b" " if b"\n" in source.read(CHUNK) else b"\n"
        source.seek(0)
        copy = _new_file(folder)
        with copy.open("wb") as target:
            while chunk := source.read(CHUNK):
                if chunk.endswith(b"\r"):
                    chunk += source.read(1)
                target.write(chunk.replace(b"\r\n", b"\n").replace(b"\r", lone))
    return copy


def cut(path: Path, lines: int, end: int | None, folder: Path) -> Path:
    """A copy in `folder` without a file's first lines, and up to byte `end` where that is given."""
    copy = _new_file(folder)
    with path.open("rb") as source, copy.open("wb") as target:
        for _ in range(lines):
            source.readline()
        left = None if end is None else end - source.tell()
        while chunk := source.read(CHUNK if left is None else min(CHUNK, left)):
            target.write(chunk)
            left = None if left is None else left - len(chunk)
    return copy


def last_lines(path: Path, count: int) -> int | None:
    """The byte at which the last lines that are not blank begin; None where there are fewer."""
    size = path.stat().st_size
    start = max(0, size - CHUNK)
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read().splitlines(keepends=True)
    end = size
    for line in reversed(lines):
        end -= len(line)
        count -= bool(line.strip())
        if not count:
            return end
    return None


def line_at(path: Path, offset: int) -> int:
    """The line (from 1) that begins at a byte."""
    line = 1
    with path.open("rb") as file:
        while offset > 0 and (chunk := file.read(min(CHUNK, offset))):
            line += chunk.count(b"\n")
            offset -= len(chunk)
    return line


def unended_line(path: Path) -> int | None:
    """The last line (from 1) where nothing ends it; None where all lines end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 1))
        is_ended = file.read(1) in (b"", b"\n", b"\r")
    return None if is_ended else line_at(path, size)


def text_from(path: Path, offset: int) -> str:
    """The text from a byte on, as much as a footer may have."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(CHUNK).decode("utf-8", "replace")


def has_line_feeds(path: Path) -> bool:
    """Whether lines end in line feeds, as they do but for exports of old Macs."""
    with path.open("rb") as file:
        head = file.read(CHUNK)
    return b"\n" in head or b"\r" not in head


def ends_within(file: BinaryIO, length: int) -> int:
    """How many lines end in the next `length` bytes, which are read."""
    ended = 0
    while length > 0 and (chunk := file.read(min(length, CHUNK))):
        ended += chunk.count(b"\n")
        length -= len(chunk)
    return ended


def skip_blank_lines(file: BinaryIO) -> int:
    """How many blank lines come next; they are read."""
    count = 0
    while (byte := file.read(1)) in (b"\r", b"\n"):
        count += byte == b"\n"
    if byte:
        file.seek(-1, 1)
    return count


def _transcode(source: BinaryIO, encoding: str, target: BinaryIO) -> None:
    read: Callable[[int], str] = codecs.getreader(encoding)(source, "surrogateescape").read
    while chunk := read(CHUNK):
        target.write(chunk.encode("utf-8", "surrogateescape"))


def _new_file(folder: Path) -> Path:
    return folder / f"plain-{sum(1 for _ in folder.iterdir())}"
