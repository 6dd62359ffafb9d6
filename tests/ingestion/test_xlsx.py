"""XLSX exports, as a spreadsheet program writes them."""

from __future__ import annotations

import datetime as dt
import zipfile
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from ingestion.errors import SourceError
from tests.ingestion.conftest import Exports

Cell = str | int | float | bool | dt.date | None
CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
DATE_STYLE = 1
EPOCH = dt.datetime(1899, 12, 30)


def write_xlsx(path: Path, sheets: dict[str, list[list[Cell]]]) -> None:
    """A workbook in the least that the format asks for."""
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{CONTENT}"><Default Extension="xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        listed = "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>'
            for n, name in zip(numbers, sheets, strict=True)
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        )
        related = "".join(
            f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n in numbers
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}">{related}'
            f'<Relationship Id="style" Type="{OFFICE}/styles" Target="styles.xml"/>'
            "</Relationships>",
        )
        book.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="14"/></cellXfs></styleSheet>',
        )
        for n, rows in zip(numbers, sheets.values(), strict=True):
            body = "".join(
                f'<row r="{r}">{"".join(map(_cell, "ABCDEFGH", [r] * len(row), row))}</row>'
                for r, row in enumerate(rows, start=1)
            )
            book.writestr(
                f"xl/worksheets/s{n}.xml",
                f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>',
            )


def _cell(column: str, row: int, value: Cell) -> str:
    at = f'r="{column}{row}"'
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c {at} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c {at} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    if isinstance(value, dt.date):
        moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
        days = (moment - EPOCH) / dt.timedelta(days=1)
        return f'<c {at} s="{DATE_STYLE}"><v>{days!r}</v></c>'
    return f"<c {at}><v>{value!r}</v></c>"


DEALS = {"source_id": "id", "stage": "stage", "amount": "amount", "created_at": "created"}


def test_cells_are_typed_and_rows_keep_their_numbers(exports: Exports) -> None:
    exports.settings["timezone"] = "America/New_York"
    exports.folder.mkdir()
    write_xlsx(
        exports.folder / "deals.xlsx",
        {
            "Deals": [
                ["id", "stage", "amount", "created"],
                ["007", "Open", 1200.5, dt.date(2024, 1, 5)],
                [],
                ["8", "Open", "a lot", dt.date(2024, 1, 6)],
                ["9", "Open", 3, None],
            ]
        },
    )
    exports.load({"opportunities": {"from": "deals", "columns": DEALS}})
    rows = exports.rows(
        "select source_id, amount, created_at from raw_files.opportunities order by source_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("007", Decimal("1200.5"), dt.datetime(2024, 1, 5, 5)),
        ("9", Decimal(3), None),
    ]
    (rejected,) = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("deals.xlsx", 4)


def test_a_sheet_is_chosen_by_name_or_position(exports: Exports) -> None:
    exports.folder.mkdir()
    sheets: dict[str, list[list[Cell]]] = {
        "Notes": [["text"], ["x"]],
        "People": [["source_id", "name", "is_active"], [1, "Ann", True]],
    }
    write_xlsx(exports.folder / "book.xlsx", sheets)
    for sheet in ("People", 1):
        views = {"people": {"glob": "book.xlsx", "sheet": sheet}}
        exports.load({"users": {"from": "people"}}, views=views, name=f"s{sheet}")
    rows = exports.rows("select source_id, name, is_active from raw_files.users")
    assert rows == [{"source_id": "1", "name": "Ann", "is_active": True}] * 2
    with pytest.raises(SourceError, match=r"no sheet 'Deals'; there are: Notes, People"):
        exports.load({"users": {"from": "book"}}, options={"sheet": "Deals"})
