"""XLSX exports, as a spreadsheet program writes them."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from ingestion.errors import SourceError
from ingestion.pipeline import load_source
from tests.ingestion.conftest import Exports
from tests.ingestion.test_reading import read_files


class Failure(str):
    """What a cell shows whose formula fails."""


class Formula(str):
    """What a program writes of a formula that it does not compute, after its text."""


Cell = str | int | float | bool | dt.date | Failure | None
CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
DATE_STYLE = 1
EPOCH = dt.datetime(1899, 12, 30)


def write_xlsx(path: Path, sheets: dict[str, list[list[Cell]]], merged: Sequence[str] = ()) -> None:
    """A workbook in the least that the format asks for; `merged` are cells such as `A1:B1`."""
    path.parent.mkdir(exist_ok=True)
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
        listed = "".join(f'<mergeCell ref="{one}"/>' for one in merged)
        ranges = f"<mergeCells>{listed}</mergeCells>" if merged else ""
        for n, rows in zip(numbers, sheets.values(), strict=True):
            body = "".join(
                f'<row r="{r}">{"".join(map(_cell, "ABCDEFGH", [r] * len(row), row))}</row>'
                for r, row in enumerate(rows, start=1)
            )
            book.writestr(
                f"xl/worksheets/s{n}.xml",
                f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData>{ranges}</worksheet>',
            )


def _cell(column: str, row: int, value: Cell) -> str:
    at = f'r="{column}{row}"'
    if value is None:
        return ""
    if isinstance(value, Failure):
        return f'<c {at} t="e"><f>1/0</f><v>{value}</v></c>'
    if isinstance(value, Formula):
        kind = ' t="str"' if "</v>" in value else ""
        return f"<c {at}{kind}><f>B1*2</f>{value}</c>"
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


COLUMNS = {"source_id": "id", "stage": "stage", "amount": "amount", "owner_id": "owner"}


def write_deals(exports: Exports, *rows: list[Cell]) -> None:
    header: list[Cell] = ["id", "stage", "amount", "owner", "note"]
    write_xlsx(exports.folder / "deals.xlsx", {"Deals": [header, *rows]})


def test_errors_reject_the_rows_that_need_them(exports: Exports) -> None:
    write_deals(
        exports,
        [1, "Open", 10, "a", "x"],
        [2, "Open", Failure("#REF!"), "a", "x"],
        [],
        [3, "Open", 30, Failure("#N/A"), Failure("#NAME?")],
        [Failure("#DIV/0!"), "Open", 40, "a", "x"],
        [5, "Open", "#N/A", "a", "x"],
    )
    loaded = exports.load({"opportunities": {"from": "deals", "columns": COLUMNS}})
    assert (loaded["opportunities"].rows, loaded["opportunities"].rows_rejected) == (1, 4)
    found = {row["source_line"]: row for row in exports.rejected()}
    assert {line: row["reason"].partition(":")[0] for line, row in found.items()} == {
        3: "amount = #REF! in cell C3",
        5: "owner = #N/A in cell D5; note = #NAME? in cell E5",
        6: "id = #DIV/0! in cell A6",
        7: "amount = #N/A in cell C7",
    }
    assert {row["source_file"] for row in found.values()} == {"deals.xlsx"}
    assert found[5]["record"] == {
        "id": "3", "stage": "Open", "amount": "30", "owner": "#N/A", "note": "#NAME?",
    }  # fmt: skip


@pytest.mark.parametrize("unsaved", ["", "<v/>"])
def test_a_formula_without_its_value_is_not_missing(exports: Exports, unsaved: str) -> None:
    computed = Formula("<v></v>")  # It gives no text, which is a value.
    formula = Formula(unsaved)
    write_deals(
        exports,
        [1, "Open", formula, "a", "x"],
        [2, "Open", 20, computed, formula],
        [3, "Open", Failure("#REF!"), formula],
        [4, "Open", formula],
    )
    exports.load({"opportunities": {"from": "deals", "columns": COLUMNS}})
    assert exports.rows("select source_id, owner_id from raw_files.opportunities") == [
        {"source_id": "2", "owner_id": None}
    ]
    mend = ": open the file in a spreadsheet program and save it"
    assert [(row["source_line"], row["reason"]) for row in exports.rejected()] == [
        (2, f"amount = #formula without its value in cell C2{mend}"),
        (
            4,
            "amount = #REF! in cell C4; owner = #formula without its value in cell D4: an error "
            "of the spreadsheet, no value; mend its formula and export it again",
        ),
        (5, f"amount = #formula without its value in cell C5{mend}"),
    ]


def test_formulas_without_values_may_lie_beyond_all_values(exports: Exports) -> None:
    formula = Formula()
    rows, columns, part = read_sheet(
        exports, [["id", "net"], ["d1", 10, formula], [None, formula, None]]
    )
    assert (rows, columns) == ([("d1", 10, None), (None, None, None)], ["id", "net", "column3"])
    assert [part.cell(cell) for cell in part.cells] == ["B3", "C2"]


def test_a_record_whose_cell_comes_to_fail_is_not_deleted(exports: Exports) -> None:
    mapping = {"opportunities": {"from": "deals", "columns": COLUMNS}}
    write_deals(exports, ["d-1", "Open", 10, "a"], ["d-2", "Open", 20, "a"])
    exports.load(mapping)
    write_deals(exports, ["d-1", "Open", 10, "a"], ["d-2", "Open", Failure("#REF!"), "a"])
    load = exports.load(mapping)["opportunities"]
    assert (load.rows_rejected, load.rows_deleted) == (1, 0)


def test_errors_that_no_mapping_needs_are_told(exports: Exports) -> None:
    write_deals(exports, [1, "Open", 10, "a", Failure("#REF!")], [2, "Open", 20, "a", "x"])
    company = exports.company({"opportunities": {"from": "deals", "columns": COLUMNS}})
    report = load_source(company, company.sources[0])
    assert (report.tables[0].rows, report.tables[0].rows_rejected) == (2, 0)
    assert report.warnings == ("deals.xlsx: errors in columns that are not mapped: E2 #REF!",)


@pytest.mark.parametrize(
    ("sql", "columns", "left"),
    [
        ("select * from deals", {"amount": "amount"}, 1),
        ("select * from deals", {"amount": "amount * 2"}, 1),
        ("select * from deals where amount > 0 or amount is null", {"name": "note"}, 1),
        ("select id, stage from deals", {}, 2),
        ("select * rename (amount as net) from deals", {"amount": "net"}, 1),
        ("from deals as d(id, stage, net, o, n)", {"amount": "net"}, 1),
        ("select id, stage, sum(amount) as net from deals group by all", {"amount": "net"}, 1),
        ("select id, stage, amount from deals union all select 3, 'Open', 1", {}, 2),
        ("select d.id, d.stage, p.amount from rest d join deals p using (id)", {}, 1),
    ],
)
def test_no_sql_reads_an_error_as_missing(
    exports: Exports, sql: str, columns: dict[str, str], left: int
) -> None:
    write_deals(exports, [1, "Open", Failure("#REF!"), "a", "x"], [2, "Open", 20, "a", "x"])
    exports.write("rest.csv", "id,stage\n1,Open\n2,Open\n")
    columns = {"source_id": "id", "stage": "stage", **columns}
    load = exports.load({"opportunities": {"from": sql, "columns": columns}})["opportunities"]
    assert load.rows == left
    assert load.rows_rejected == (0 if sql == "select id, stage from deals" else 1)
    for row in exports.rejected():
        assert (row["source_file"], row["source_line"]) == ("deals.xlsx", 2)


def test_two_entities_of_one_sheet_reject_what_each_needs(exports: Exports) -> None:
    write_deals(exports, [1, "Open", Failure("#REF!"), "a", "x"], [2, "Open", 20, "b", "x"])
    loads = exports.load(
        {
            "opportunities": {"from": "deals", "columns": COLUMNS},
            "users": {"from": "deals", "columns": {"source_id": "owner", "name": "owner"}},
        }
    )
    assert (loads["opportunities"].rows_rejected, loads["users"].rows_rejected) == (1, 0)
    rows = exports.rows("select source_id, source_row from raw_files.opportunities")
    assert [tuple(row.values()) for row in rows] == [("2", 1)]


def test_errors_of_cells_without_references_are_found(exports: Exports) -> None:
    """Some writers leave out what rows and cells are called, or put a prefix before names."""
    write_deals(exports, [1, "Open", Failure("#REF!"), "a"], [2, "Open", 20, Failure("#N/A")])
    path = exports.folder / "deals.xlsx"
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    sheet = re.sub(r' r="\w+"', "", parts["xl/worksheets/s1.xml"])
    sheet = re.sub(r"<(/?)(\w)", r"<\1x:\2", sheet).replace("xmlns=", "xmlns:x=")
    with zipfile.ZipFile(path, "w") as book:
        for name, text in {**parts, "xl/worksheets/s1.xml": sheet}.items():
            book.writestr(name, text)
    exports.load({"opportunities": {"from": "deals", "columns": COLUMNS}})
    reasons = [row["reason"].partition(":")[0] for row in exports.rejected()]
    assert reasons == ["amount = #REF! in cell C2", "owner = #N/A in cell D3"]


def test_text_that_a_spreadsheet_saved_of_errors_is_no_value(exports: Exports) -> None:
    exports.write(
        "deals.csv", "id;stage;amount;owner\n1;Open;10;#NV\n2;Open;#DIV/0!;a\n3;Open;#1;a\n"
    )
    load = exports.load({"opportunities": {"from": "deals", "columns": COLUMNS}})["opportunities"]
    assert (load.rows, load.rows_rejected) == (0, 3)
    assert [row["reason"].partition(":")[0] for row in exports.rejected()] == [
        "owner = #NV",
        "amount = #DIV/0!",
        "amount = #1",
    ]


def read_sheet(exports: Exports, rows: list[list[Cell]], *merged: str, **options: Any) -> Any:
    """The rows of a sheet, the names of its columns, and what its part tells."""
    write_xlsx(exports.folder / "t.xlsx", {"Deals": rows}, merged)
    table, found, types = read_files(exports.folder, "t.xlsx", **options)
    return found, list(types), table.parts[0]


ROWS: list[list[Cell]] = [["d1", "Ann", 10, 5], ["d2", "Bob", 20, 5]]


@pytest.mark.parametrize(
    ("above", "merged", "names"),
    [
        ([["id", "owner", "net", "tax"]], [], ["id", "owner", "net", "tax"]),
        ([["Deals"], [], ["id", "owner", "net", "tax"]], ["A1:D1"], ["id", "owner", "net", "tax"]),
        (
            [["Deals", "All"], ["As of", dt.date(2024, 3, 1)], ["id", "owner", "net", "tax"]],
            [],
            ["id", "owner", "net", "tax"],
        ),
        (
            [["Deal", None, "Money", None], ["id", "owner", "net", "tax"]],
            ["A1:B1", "C1:D1"],
            ["id", "owner", "net", "tax"],
        ),
        (
            [["id", "owner", "Money", None], [None, None, "net", "tax"]],
            ["A1:A2", "B1:B2", "C1:D1"],
            ["id", "owner", "net", "tax"],
        ),
        (
            [["Q1"], ["id", "owner", "Money", None], [None, None, "net", "tax"]],
            ["A2:A3", "B2:B3", "C2:D2"],
            ["id", "owner", "net", "tax"],
        ),
        ([["id", "owner", "Money", None]], ["C1:D1"], ["id", "owner", "Money", "column4"]),
    ],
)
def test_headers_of_sheets(
    exports: Exports, above: list[list[Cell]], merged: list[str], names: list[str]
) -> None:
    rows, columns, part = read_sheet(exports, [*above, *ROWS], *merged)
    assert columns == names
    assert rows == [("d1", "Ann", 10, 5), ("d2", "Bob", 20, 5)]
    assert part.header == f"row {len(above)} of sheet 'Deals' of t.xlsx"
    assert list(part.lines([0, 1])) == [len(above) + 1, len(above) + 2]


def test_a_table_need_not_begin_in_the_first_cell(exports: Exports) -> None:
    rows: list[list[Cell]] = [
        [],
        [None, "Closed deals"],
        [],
        [None, "id", "name", "net"],
        [None, 1, "A", 10],
        [None, 2, Failure("#REF!"), 20],
        [None, "Total", None, 30],
        [],
        [None, "Confidential"],
    ]
    found, columns, part = read_sheet(exports, rows)
    assert columns == ["id", "name", "net"]
    assert found == [(1, "A", 10), (2, None, 20)]
    assert [part.cell(cell) for cell in part.cells] == ["C6"]
    assert [note.partition(":")[0] for note in part.notes] == [
        "row 4 of sheet 'Deals' names the columns; above it",
        "line 9 is a footer, not read",
        "line 7 is a total, not read",
    ]


def test_cells_merged_over_rows_are_of_all_of_them(exports: Exports) -> None:
    rows: list[list[Cell]] = [["owner", "deal"], ["Ann", "a"], [None, "b"], ["Bob", "c"]]
    found, _, part = read_sheet(exports, rows, "A2:A3")
    assert found == [("Ann", "a"), ("Ann", "b"), ("Bob", "c")]
    assert part.notes == (
        "line 2 is merged with rows below in some column: each row was given the value",
    )


def test_a_year_is_a_sheets_name_where_there_is_such_a_sheet(exports: Exports) -> None:
    sheets: dict[str, list[list[Cell]]] = {"2023": [["id"], ["a"]], "2024": [["id"], ["b"]]}
    write_xlsx(exports.folder / "t.xlsx", sheets)
    found = [read_files(exports.folder, "t.xlsx", sheet=s)[1] for s in (2024, "2023", 1, 0)]
    assert found == [[("b",)], [("a",)], [("b",)], [("a",)]]
    for sheet in (2025, -1, "1"):
        with pytest.raises(SourceError, match=f"no sheet {sheet!r}.*there are: 2023, 2024"):
            read_files(exports.folder, "t.xlsx", sheet=sheet)


def test_a_sheet_of_the_same_columns_that_is_not_read_is_told(exports: Exports) -> None:
    header: list[Cell] = ["id", "name"]
    sheets: dict[str, list[list[Cell]]] = {
        "March": [header, ["a", "Ann"]],
        "Notes": [["text"], ["x"]],
        "April": [["April"], [], header, ["b", "Bob"]],
    }
    write_xlsx(exports.folder / "t.xlsx", sheets)
    table, _, _ = read_files(exports.folder, "t.xlsx")
    (note,) = table.parts[0].notes
    assert note.startswith("sheet 'March' was read, but not 'April', which has the same columns")
    assert note.endswith("sheet: April")
    table, _, _ = read_files(exports.folder, "t.xlsx", sheet=0)
    assert table.parts[0].notes == ()
