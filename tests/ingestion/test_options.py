"""Options of a source, its views and its entities; SQL that reads files, and only through views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.errors import CompanyError, SourceError
from ingestion.pipeline import check
from ingestion.sources.files.catalog import Catalog
from ingestion.sources.files.mapping.rowset import relate
from ingestion.sources.files.reading import read
from ingestion.sources.files.settings import FileOptions, FilesSource
from tests.ingestion.conftest import Exports
from tests.ingestion.test_xlsx import write_xlsx

PEOPLE = {"source_id": "id", "name": "name"}


def names(exports: Exports, entity: str = "users") -> list[str]:
    rows = exports.rows(f"select name from raw_files.{entity} order by source_id")
    return [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("over", "under", "expected"),
    [
        ({}, {"delimiter": ";", "sheet": 2}, {"delimiter": ";", "sheet": 2}),
        ({"sheet": "A"}, {"delimiter": ";", "sheet": 2}, {"delimiter": ";", "sheet": "A"}),
        ({"delimiter": None}, {"delimiter": ";"}, {"delimiter": None}),
        ({"header_row": 3}, {"skip_rows": 2, "sheet": 1}, {"header_row": 3, "sheet": 1}),
        ({"skip_rows": 1}, {"header_row": 3}, {"skip_rows": 1}),
        ({"encoding": "utf-8"}, {"encoding": "cp1252"}, {"encoding": "utf-8"}),
        ({"thousands": ","}, {"decimal": ",", "thousands": "."}, {"thousands": ","}),
        ({"thousands": " "}, {"decimal": ","}, {"thousands": " ", "decimal": ","}),
    ],
)
def test_only_options_that_are_written_override(
    over: dict[str, Any], under: dict[str, Any], expected: dict[str, Any]
) -> None:
    merged = FileOptions(**over).over(FileOptions(**under))
    assert merged.model_dump(exclude_unset=True) == expected


@pytest.mark.parametrize("place", ["source", "view", "beside", "entity"])
def test_options_stand_at_source_view_or_entity(exports: Exports, place: str) -> None:
    """Where several say the same, the nearest to the entity is right; the others say the rest."""
    right, wrong = {"header_row": 2}, {"header_row": 3}
    exports.write("people.csv", "Leute ä;\nid;name\n1;Jörg, T.\n2;Anna\n".encode("latin-1"))
    source = {"encoding": "latin-1", "delimiter": ";"}
    view: dict[str, Any] = {"glob": "people.csv"}
    mapping: dict[str, Any] = {"from": "team", "columns": PEOPLE}
    if place == "source":
        source |= right
    elif place == "beside":
        source |= wrong
        view |= right
    else:
        source |= wrong
        view["options"] = right if place == "view" else wrong
        mapping |= {"options": right} if place == "entity" else {}
    exports.load({"users": mapping}, options=source, views={"team": view})
    assert names(exports) == ["Jörg, T.", "Anna"]


def test_one_file_is_read_for_two_entities_each_its_own_way(exports: Exports) -> None:
    write_xlsx(
        exports.folder / "book.xlsx",
        {
            "People": [["id", "name"], ["a", "Ann"]],
            "Firms": [["Customers"], ["id", "name"], ["f", "Firm"], ["g", "Good"]],
        },
    )
    firms = {"options": {"sheet": "Firms", "header_row": 2}}
    sql = "select f.*, c.n from book f, (select count(*) as n from book) c"
    loads = exports.load(
        {
            "users": {"from": "book", "columns": PEOPLE},
            "accounts": {"from": sql, "columns": {**PEOPLE, "employees": "n"}, **firms},
            "customers": {"from": "book", "columns": PEOPLE, **firms},
        }
    )
    assert {name: load.rows for name, load in loads.items()} == {
        "users": 1, "accounts": 2, "customers": 2,
    }  # fmt: skip
    assert (names(exports), names(exports, "accounts")) == (["Ann"], ["Firm", "Good"])
    assert exports.rows("select distinct employees from raw_files.accounts") == [{"employees": 2}]


def test_options_that_change_read_the_file_again(exports: Exports) -> None:
    sheets: Any = {"A": [["id", "name"], [1, "Ann"]], "B": [["id", "name"], [1, "Bea"]]}
    write_xlsx(exports.folder / "book.xlsx", sheets)
    mapping = {"from": "book", "columns": PEOPLE, "options": {"sheet": "A"}}
    assert exports.load({"users": mapping})["users"].rows_new == 1
    assert exports.load({"users": mapping})["users"].is_unchanged
    assert (
        exports.load({"users": {**mapping, "options": {"sheet": "B"}}})["users"].rows_changed == 1
    )


def test_options_that_lose_records_are_named(exports: Exports) -> None:
    rows = [[f"d{n}", f"Deal {n}"] for n in range(6)]
    sheets: Any = {"A": [["id", "name"], *rows], "B": [["id", "name"], *rows[:2]]}
    write_xlsx(exports.folder / "book.xlsx", sheets)
    mapping = {"from": "book", "columns": PEOPLE, "options": {"sheet": "A"}}
    exports.load({"users": mapping})
    with pytest.raises(SourceError) as error:
        exports.load({"users": {**mapping, "options": {"sheet": "B"}}}, force=True)
    assert """options was '{"sheet":"A"}', is '{"sheet":"B"}'""" in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": 3}, "unknown key; did you mean 'header_row'?"),
        ({"header_row": 0}, "header_row = 0: Input should be greater than or equal to 1"),
        ({"header_row": 2, "skip_rows": 1}, "give header_row or skip_rows"),
        ({"sheet": False}, "write the sheet's name in quotes"),
        ({"footer_rows": -1}, "footer_rows = -1"),
    ],
)
def test_options_that_are_wrong_are_named(
    exports: Exports, options: dict[str, Any], message: str
) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n")
    mapping = {"from": "people", "columns": PEOPLE}
    with pytest.raises(CompanyError) as error:
        exports.company({"users": {**mapping, "options": options}})
    assert "entities.users.options" in str(error.value)
    assert message in str(error.value)
    with pytest.raises(CompanyError, match="'options' are of files"):
        exports.company(
            {"users": {"rows": [{"source_id": "1", "name": "A"}], "options": {"sheet": 1}}}
        )


@pytest.mark.parametrize(
    "sql",
    [
        "select * from people",
        "SELECT * FROM people;",
        "from people",
        "from people select id, name where id > 0",
        "(select * from people)",
        "with p as (from people) select * from p",
        "-- everybody\nselect * from people",
        "/* everybody */ from people",
        "\n\n  table people",
        "values (1, 'Ann'), (2, 'Bob')",
        "select * from 'people.csv'",
        'from "people.csv"',
        "from people, unnest([1]) as one(n)",
        "select * from people where id in (select * from range(9))",
        "unpivot wide on a, b into name id value name",
        "pivot (select 'name' as k, * from people) on k in ('name') using first(name) group by id",
        "select id, name from people union all (values (7, 'Zoe') limit 0)",
    ],
)
def test_sql_is_known_however_it_begins(exports: Exports, tmp_path: Path, sql: str) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n2,Bob\n")
    exports.write("wide.csv", "a,b\nAnn,Bob\n")
    company = exports.company({"users": {"from": sql, "columns": PEOPLE}})
    (source,) = company.sources
    assert isinstance(source, FilesSource)
    with duckdb.connect() as connection:
        origin = Catalog.of(source).origin(connection, sql)
        tables = {r.name: read(connection, r, source.path, tmp_path) for r in origin.relations}
        rowset = relate(connection, "result", origin.sql, tables)
        name = next(column for column in rowset.columns if column in ("name", "col1"))
        rows = connection.execute(f'select "{name}" from "{rowset.table}" order by 1').fetchall()
    assert rows == [("Ann",), ("Bob",)]


def test_sql_that_reads_no_file_is_loaded_and_checked(exports: Exports) -> None:
    sql = "select * from (values (1, 'Ann'), (2, null)) as people(id, name)"
    users = {"users": {"from": sql, "columns": PEOPLE}}
    (source,) = check(exports.company(users))
    assert [table.load.rows_rejected for table in source.tables] == [1]
    assert exports.load(users)["users"].rows == 1
    assert exports.load(users)["users"].is_unchanged


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("peple", "no such file or view; in .*: did you mean 'people'"),
        ("my people", "no such file or view"),
        ("selected deals", "no such file or view"),
        ("selct * from people", "no such file or view"),
        ("select * fro people", "not valid SQL"),
        ("pivot people on name using count(*)", r"PIVOT has to name its values: .* in \('Open'"),
        ("insert into people values (1)", "not valid SQL: Only SELECT statements"),
        ("select 1; select 2", "expected one statement|not valid SQL"),
        ("select * from peple", "no file or view 'peple'"),
    ],
)
def test_what_a_from_is_not_is_said(exports: Exports, text: str, message: str) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n")
    with pytest.raises(CompanyError, match=message):
        exports.company({"users": {"from": text, "columns": PEOPLE}})


@pytest.mark.parametrize("from_", ["deals", "Deals.xls", "deals*", "select * from deals", "view"])
@pytest.mark.parametrize("beside", [None, "people.csv"])
def test_a_workbook_of_an_old_format_is_said_to_be_the_one_that_is_not_read(
    exports: Exports, from_: str, beside: str | None
) -> None:
    exports.write("Deals.xls", b"\xd0\xcf")
    if beside:
        exports.write(beside, "id,name\n1,Ann\n")
    view = {"views": {"view": {"glob": "deals*"}}} if from_ == "view" else {}
    with pytest.raises(CompanyError, match=r"not read: Deals\.xls; save it as \.xlsx or CSV"):
        exports.company({"users": {"from": from_, "columns": PEOPLE}}, **view)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("select * from read_csv('people.csv')", r"read_csv\(…\)"),
        ("from read_csv_auto('{folder}/people.csv')", r"read_csv_auto\(…\)"),
        ("select * from parquet_scan('x.parquet')", r"parquet_scan\(…\)"),
        ("from read_json('x.json')", r"read_json\(…\)"),
        ("select * from read_text('*.csv')", r"read_text\(…\)"),
        ("from glob('*')", r"glob\(…\)"),
        ("from query('from people')", r"query\(…\)"),
        ("select *, (select count(*) from read_blob('x')) as n from people", r"read_blob\(…\)"),
        ("with p as (from read_csv('people.csv')) from p", r"read_csv\(…\)"),
        ("from people.csv", "people.csv"),
        ("from main.people", "main.people"),
        ("from information_schema.tables", "information_schema.tables"),
    ],
)
def test_files_are_read_through_views_only(exports: Exports, sql: str, named: str) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n")
    with pytest.raises(CompanyError) as error:
        exports.company(
            {"users": {"from": sql.replace("{folder}", str(exports.folder)), "columns": PEOPLE}}
        )
    said = str(error.value)
    assert "entities.users.from" in said
    assert f"{named} is read past the views".replace("\\", "") in said
    assert "write from deals" in said


@pytest.mark.parametrize("path", ["{folder}/people.csv", "{folder}/../other.csv", "../nowhere.csv"])
def test_files_beside_the_folder_are_not_read(exports: Exports, path: str) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n")
    exports.write("../other.csv", "id,name\n1,Ann\n")
    text = path.replace("{folder}", str(exports.folder))
    with pytest.raises(CompanyError, match=r"must be relative to|leads out of"):
        exports.company({"users": {"from": f"from '{text}'", "columns": PEOPLE}})


@pytest.mark.parametrize(
    "expression",
    [
        "(select max(name) from people)",
        "(select name from read_csv('people.csv'))",
        "(select name from 'people.csv' limit 1)",
    ],
)
def test_columns_read_no_files(exports: Exports, expression: str) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n")
    with pytest.raises(CompanyError) as error:
        exports.company({"users": {"from": "people", "columns": {**PEOPLE, "name": expression}}})
    assert "is read beside the rows of 'from': join it there" in str(error.value)
