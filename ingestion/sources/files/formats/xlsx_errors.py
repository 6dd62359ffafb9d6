"""Cells of XLSX sheets that hold errors or no values, which the reader gives as blank ones.

It gives blank cells for all that lies between filled ones, too: how many that are is told before.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ingestion.errors import SourceError

_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_FILLED = re.compile(rb"<(?:[^\s<>/!?:]+:)?c(?:\s[^>]*)?(?<!/)>")
"""The tag of a cell that has something in it."""
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]+\d+)["']""")
_PLAIN = re.compile(rb'<c r="([A-Z]+[0-9]+)"')
"""A cell as most programs write it, empty or not."""
_NO_CELLS = (b"<co", b"<cf", b"<cu")
_LETTERS = bytes(range(ord("A"), ord("Z") + 1))
_FORMULA = re.compile(rb"<(\w+:)?f[\s/>]")
_REFERENCE = re.compile(r"([A-Z]+)(\d+)")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

_DAMAGES = (
    ElementTree.ParseError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What the parts of a damaged workbook raise."""

MAX_CELLS = 20_000_000
"""How many cells a sheet may have, blank ones between filled ones counted."""

UNSAVED = "#formula without its value"
"""What stands for the value of a formula that a program wrote and no spreadsheet computed."""


class UnmeasuredError(Exception):
    """Nobody can tell how much a sheet spans but by reading it."""


def error_cells(file: Path, sheet: str, is_limited: bool) -> dict[tuple[int, int], str]:
    """The errors in a sheet, such as `#REF!` and UNSAVED, by row and column (both from 0).

    Raises SourceError where the parts of the workbook cannot be found or read, or the sheet spans
    more than MAX_CELLS; UnmeasuredError where that cannot be told, unless this process `is_limited`
    in what it may take.
    """
    try:
        with zipfile.ZipFile(file) as book:
            part = _part(book, sheet)
            text = book.read(part)
            _refuse_vast(file, sheet, text, is_limited)
            if not (_ERROR.search(text) or _FORMULA.search(text)):
                return {}
            with book.open(part) as xml:
                return dict(_errors(xml))
    except (*_DAMAGES, StopIteration, KeyError) as error:
        raise SourceError(
            f"{file}: sheet '{sheet}' cannot be searched for errors such as #REF! ({error!r}); "
            "save the file again as XLSX, or the sheet as CSV"
        ) from None


def cell_name(row: int, column: int) -> str:
    """A cell's name, by its row and column from 0.

    >>> cell_name(6, 27)
    'AB7'
    """
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def _refuse_vast(file: Path, sheet: str, text: bytes, is_limited: bool) -> None:
    """Stop the reading of a sheet that spans too much, by its XML.

    Raises SourceError; UnmeasuredError where it is not written so plainly that its cells tell.
    """
    plain = _PLAIN.findall(text)
    cells = text.count(b"<c") - sum(map(text.count, _NO_CELLS))
    if cells == len(plain) and b":c" not in text and _area(plain) <= MAX_CELLS:
        return
    tags = _FILLED.findall(text)
    places = _PLACE.findall(b"".join(tags))
    if not is_limited and (len(places) != len(tags) or b"\0" in text):
        raise UnmeasuredError
    if _area(places) > MAX_CELLS:
        rows, columns = _span(places)
        raise SourceError(
            f"{file}: sheet '{sheet}' spans {rows:,} rows and {columns:,} columns, to cell "
            f"{cell_name(rows - 1, columns - 1)}; at most {MAX_CELLS:,} cells are read. Delete "
            "what lies far from the table (select the rows and columns beyond it), or save the "
            "sheet as CSV"
        )


def _area(places: Sequence[bytes]) -> int:
    rows, columns = _span(places)
    return rows * columns


def _span(places: Sequence[bytes]) -> tuple[int, int]:
    """How many rows and columns cells span, by their names."""
    names = b" ".join(places)
    rows = max(map(int, {*names.translate(None, _LETTERS).split()}), default=0)
    columns = {*names.translate(None, b"0123456789").split()}
    return rows, max((_number(letters.decode()) + 1 for letters in columns), default=0)


def _part(book: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part of a workbook that holds a sheet."""
    relations = ElementTree.fromstring(book.read("_rels/.rels"))
    workbook = next(
        one.attrib["Target"].lstrip("/")
        for one in relations
        if one.attrib["Type"].endswith("/officeDocument")
    )
    folder, name = posixpath.split(workbook)
    tree = ElementTree.fromstring(book.read(workbook))
    wanted = next(
        one.attrib.get(_RELATION) or one.attrib.get(_STRICT_RELATION)
        for one in tree.iter()
        if _local(one.tag) == "sheet" and one.attrib["name"] == sheet
    )
    targets = ElementTree.fromstring(book.read(f"{folder}/_rels/{name}.rels"))
    target = next(one.attrib["Target"] for one in targets if one.attrib["Id"] == wanted)
    return (
        target.lstrip("/")
        if target.startswith("/")
        else posixpath.normpath(posixpath.join(folder, target))
    )


def _errors(xml: object) -> Iterator[tuple[tuple[int, int], str]]:
    """The errors in a sheet's XML. Rows and cells without a reference follow the one before."""
    row = column = -1
    for event, element in ElementTree.iterparse(xml, ("start", "end")):  # type: ignore[arg-type]
        tag = _local(element.tag)
        if event == "start" and tag == "row":
            row, column = int(element.get("r", row + 2)) - 1, -1
        elif event == "start" and tag == "c":
            match = _REFERENCE.fullmatch(element.get("r", ""))
            column = _number(match[1]) if match else column + 1
        elif event == "end" and tag == "c":
            parts = {_local(one.tag): one.text for one in element}
            type_, value = element.get("t"), parts.get("v")
            if type_ == "e":
                yield (row, column), value or "#VALUE!"
            elif "f" in parts and not value and not (type_ == "str" and "v" in parts):
                yield (row, column), UNSAVED
        elif event == "end" and tag == "row":
            element.clear()


def _number(letters: str) -> int:
    """A column's number from 0, by its letters."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _local(tag: str) -> str:
    """A tag's name without its namespace."""
    return tag.rpartition("}")[2]
