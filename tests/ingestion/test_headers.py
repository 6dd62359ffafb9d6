"""The line that names the columns, wherever it is: found where that is certain, else said."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.errors import SourceError
from ingestion.pipeline import load_source
from tests.ingestion.conftest import Exports
from tests.ingestion.test_reading import read_files
from tests.ingestion.test_xlsx import Cell, write_xlsx

ROWS = "1;Ann;Open;10\n2;Bob;Won;20\n"
BELOW = [(1, "Ann", "Open", 10), (2, "Bob", "Won", 20)]
HEADER = "id;name;stage;amount\n"
DEALS = {"source_id": "id", "stage": "stage", "amount": "amount"}


@pytest.mark.parametrize(
    "above",
    [
        "",
        "\n\n",
        "sep=;\n",
        '"sep=;"\n',
        "\ufeffsep=;\n",
        "sep=;;;;\n",
        "Deals closed\n",
        "Deals closed;;;\n\n",
        '"Deals, closed, by owner"\nAs of 2024-03-31\n\n',
        "sep=;\nDeals\n\n",
        "Report:;Deals\nFilter:;closed\n;;;\n",
        "Deals\nFilter:;closed;won\n\n",
    ],
)
def test_a_header_below_titles_is_found(exports: Exports, above: str) -> None:
    exports.write("deals.csv", above + HEADER + ROWS)
    table, rows, types = read_files(exports.folder, "deals.csv")
    (part,) = table.parts
    line = above.count("\n") + 1
    assert rows == BELOW
    assert list(types) == ["id", "name", "stage", "amount"]
    assert part.header == f"line {line} of deals.csv"
    assert list(part.lines([0, 1])) == [line + 1, line + 2]
    titles = [t for t in above.splitlines() if t.strip(";") and "sep=" not in t]
    assert [title in note for note in part.notes for title in ["above it"]] == [True] * bool(titles)


def test_lines_below_titles_are_physical_lines(exports: Exports) -> None:
    exports.write("deals.csv", f"Deals\n\n{HEADER}1;Ann;Open;10\n2;broken\n\n3;Cy;Open\n")
    table, rows, _ = read_files(exports.folder, "deals.csv")
    assert rows == BELOW[:1]
    assert [line.line for line in table.parts[0].broken] == [5, 7]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('id;"Net (a, b, c, d)";x\n1;2,5;y\n', ["id", "Net (a, b, c, d)", "x"]),
        ('"Net, of tax, of rebate";x\n1;y\n', ["Net, of tax, of rebate", "x"]),
        ("id;a,b,c,d,e\n1;x\n2;y\n", ["id", "a,b,c,d,e"]),
        ("id,a;b;c;d\n1,x\n2,y\n", ["id", "a;b;c;d"]),
        ('"id"\t"a;b"\n"1"\t"2"\n', ["id", "a;b"]),
        ("a|b,c\n1|2\n", ["a", "b,c"]),
        ("id;name;note\n1;A;hello, world\n2;B;see, there\n", ["id", "name", "note"]),
        ("id;name\n", ["id", "name"]),
        ("name\nSmith\n", ["name"]),
    ],
)
def test_what_separates_the_rows_separates_the_header(
    exports: Exports, text: str, columns: list[str]
) -> None:
    exports.write("t.csv", text)
    assert list(read_files(exports.folder, "t.csv")[2]) == columns


def test_what_may_be_separated_two_ways_is_refused(exports: Exports) -> None:
    exports.write("t.csv", "name;net, of tax\nA;1,5\nB;2,5\n")
    with pytest.raises(SourceError) as error:
        read_files(exports.folder, "t.csv")
    said = str(error.value)
    assert said.startswith(
        f"{exports.folder / 't.csv'}: line 1 (name;net, of tax) may be separated"
    )
    assert "',' or ';'" in said
    assert "delimiter: ';'" in said
    rows = read_files(exports.folder, "t.csv", delimiter=";")[1]
    assert rows == [("A", "1,5"), ("B", "2,5")]


@pytest.mark.parametrize(
    "text",
    [
        # Words all through, but no titles: the first line is the header, however odd.
        "name,\nAnn,East\nBob,West\n",
        "a,b,c\nx,y\nu,v,w\n",
        "a,b\nx,y,z\nu,v,w\n",
        # What may be a title may be a header of one column.
        "name\nid,team\nu1,East\n",
        # A header of years is none of words, unless it stands apart.
        "Quotas\nname,2023,2024\nAnn,1,2\n",
    ],
)
def test_what_is_not_certain_is_taken_as_it_stands(exports: Exports, text: str) -> None:
    exports.write("t.csv", text)
    table, _, types = read_files(exports.folder, "t.csv")
    assert table.parts[0].header == "line 1 of t.csv"
    assert next(iter(types)) == text.partition("\n")[0].partition(",")[0]


@pytest.mark.parametrize("periods", ["2023,2024", "2024-01,2024-02", "Jan,Feb", "1/2024,2/2024"])
def test_years_and_months_name_columns_that_stand_apart(exports: Exports, periods: str) -> None:
    exports.write("t.csv", f"Quotas\n\nname,{periods}\nAnn,1,2\nBob,3,4\n")
    table, rows, types = read_files(exports.folder, "t.csv")
    assert (rows, list(types)) == ([("Ann", 1, 2), ("Bob", 3, 4)], ["name", *periods.split(",")])
    assert table.parts[0].header == "line 3 of t.csv"


@pytest.mark.parametrize("options", [{"header_row": 3}, {"skip_rows": 2}, {"skip_rows": 1}])
def test_the_header_is_where_options_say(exports: Exports, options: dict[str, Any]) -> None:
    exports.write("t.csv", "Quotas,USD\n\nname,2023,2024\nAnn,1,2\n")
    table, rows, types = read_files(exports.folder, "t.csv", **options)
    assert (rows, list(types)) == ([("Ann", 1, 2)], ["name", "2023", "2024"])
    assert table.parts[0].header == "line 3 of t.csv"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header_row": 2}, r"options.header_row = 2, but it is blank"),
        ({"header_row": 9}, r"options.header_row = 9, but it has fewer lines"),
        ({"skip_rows": 4}, r"options.skip_rows = 4, but nothing is below that"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_options_that_miss_the_header_say_so(
    exports: Exports, kind: str, options: dict[str, Any], message: str
) -> None:
    exports.write("t.csv", "Quotas\n\nname,2023,2024\nAnn,1,2\n")
    rows: list[list[Cell]] = [["Quotas"], [], ["name", 2023, 2024], ["Ann", 1, 2]]
    write_xlsx(exports.folder / "t.xlsx", {"Q": rows})
    with pytest.raises(SourceError) as error:
        read_files(exports.folder, f"t.{kind}", **options)
    assert str(error.value).startswith(f"{exports.folder / 't'}.{kind}: ")
    assert (message if kind == "csv" else message.split(",")[0]) in str(error.value)


@pytest.mark.parametrize(
    ("columns", "origin"),
    [({**DEALS, "amount": "net"}, "deals"), (DEALS, "select id, stage, net from deals")],
)
def test_a_column_that_is_not_there_names_the_header_and_the_option(
    exports: Exports, columns: dict[str, str], origin: str
) -> None:
    exports.write("deals.csv", "Deals\nid,stage,2024\n1,Open,10\n")
    with pytest.raises(SourceError) as error:
        exports.load({"opportunities": {"from": origin, "columns": columns}})
    said = str(error.value)
    assert "company.yml: sources.crm.entities.opportunities" in said
    assert "line 1 of deals.csv" in said
    assert "header_row" in said
    assert "delimiter" in said


def test_repeated_headers_are_no_rows(exports: Exports) -> None:
    text = f"{HEADER}1;Ann;Open;10\n{HEADER.upper()}2;Bob;Won;20\n{HEADER}3;;Open\n"
    exports.write("deals.csv", text)
    table, rows, types = read_files(exports.folder, "deals.csv")
    (part,) = table.parts
    assert rows == BELOW
    assert types["amount"] == "BIGINT"
    assert list(part.lines([0, 1])) == [2, 4]
    assert part.notes == (
        "lines 3, 5 are the header again, not read: "
        "ID, NAME, STAGE, AMOUNT; id, name, stage, amount",
    )
    assert [line.line for line in part.broken] == [6]


def test_files_of_a_pattern_that_lack_a_column_are_named(exports: Exports) -> None:
    exports.write("deals-1.csv", "id,stage,amount\n1,Open,5\n")
    exports.write("deals-2.csv", "id,stage,Amount EUR\n2,Open,6\n")
    table, rows, _ = read_files(exports.folder, "deals-1.csv", "deals-2.csv")
    assert len(rows) == 2
    assert [part.notes for part in table.parts] == [
        ("it lacks what others have: Amount EUR (line 1 of deals-1.csv names its columns)",),
        ("it lacks what others have: amount (line 1 of deals-2.csv names its columns)",),
    ]


@pytest.mark.parametrize("header", ["amount,amount", "amount,Amount", " amount ,amount"])
def test_a_mapped_name_that_two_columns_have_is_told(exports: Exports, header: str) -> None:
    exports.write("deals.csv", f"id,stage,{header},note,note\n1,Open,10,20,a,b\n")
    (warning,) = load_deals(exports, DEALS)
    second = header.split(",")[1]
    assert warning == (
        f"deals.csv: two columns are called amount: the first is `amount`, the second `{second}_2`"
    )
    named = {**DEALS, "amount": f"coalesce(amount, {second}_2)"}
    assert load_deals(exports, named) == ()


def test_two_columns_of_a_sheet_that_have_one_name_are_told(exports: Exports) -> None:
    rows: list[list[Cell]] = [["id", "stage", "amount", None, "amount"], [1, "Open", 10, None, 20]]
    write_xlsx(exports.folder / "deals.xlsx", {"Deals": rows})
    (warning,) = load_deals(exports, DEALS)
    assert warning.endswith("the first is `amount`, the second `amount_2`")


def load_deals(exports: Exports, columns: dict[str, str]) -> tuple[str, ...]:
    """What a load of deals warns of."""
    company = exports.company({"opportunities": {"from": "deals", "columns": columns}})
    return load_source(company, company.sources[0]).warnings
