"""Files, read: every value as it was written, every row by its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.pipeline import load_source
from ingestion.sources.files.catalog import Relation
from ingestion.sources.files.hidden import HIDDEN, TEXT_OF
from ingestion.sources.files.reading import Table, read
from ingestion.sources.files.set_aside import ERRORS
from ingestion.sources.files.settings import FileOptions
from tests.ingestion.conftest import Exports

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=12
)
VALUE = st.one_of(
    TEXT,
    st.sampled_from(["007", "0", "-0", "1e5", "1.10", "112.0", " 5", "5 ", "+5", "1_000", "epoch"]),
    st.sampled_from(
        ["true", "NULL", "null", "NaN", "inf", "2024-01-05", "24-1-5", 'a "b"', "a\nb"]
    ),
    st.integers().map(str),
).filter(lambda value: value not in ERRORS)


def read_files(
    folder: Path, *names: str, **options: Any
) -> tuple[Table, list[tuple[Any, ...]], dict[str, str]]:
    """The files read as one table; its rows, and the types of its columns."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        paths = tuple(folder / name for name in names)
        table = read(connection, Relation("t", paths, FileOptions(**options)), folder, work)
        columns = {
            name: type_
            for name, type_, *_ in connection.execute("describe t").fetchall()
            if not name.startswith(HIDDEN)
        }
        selected = ", ".join(f'"{name}"' for name in columns)
        return table, connection.execute(f"select {selected} from t").fetchall(), columns


def as_text(folder: Path, name: str, **options: Any) -> list[tuple[str | None, ...]]:
    """The rows of a file, each value as it was written."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        read(connection, Relation("t", (folder / name,), FileOptions(**options)), folder, work)
        columns = [row[0] for row in connection.execute("describe t").fetchall()]
        kept = {name.removeprefix(TEXT_OF): f'"{name}"' for name in columns}
        selected = ", ".join(f"{name}::VARCHAR" for name in kept.values())
        return connection.execute(f"select {selected} from t").fetchall()


@given(
    rows=st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    is_gzip=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_csv_values_come_back_as_they_were_written(
    tmp_path: Path,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    encoding: str,
    line_end: str,
    is_gzip: bool,
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    content = buffer.getvalue().encode(encoding)
    name = "t.csv.gz" if is_gzip else "t.csv"
    (tmp_path / name).write_bytes(gzip.compress(content) if is_gzip else content)
    assert as_text(tmp_path, name, footer_rows=0) == rows


@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_lines_are_physical_lines(tmp_path: Path, data: st.DataObject) -> None:
    line_end = data.draw(st.sampled_from(["\n", "\r\n"]))
    records = data.draw(
        st.lists(
            st.sampled_from(
                [
                    "good,x",
                    '"quoted, x",y',
                    '"two\nlines",z',
                    '"a ""b""",c',
                    "",
                    "",
                    "short",
                    "a,2,c",
                ]
            ),
            max_size=20,
        )
    )
    text, line = "h1,h2" + line_end, 2
    good, broken = [], []
    for record in records:
        fields = next(csv.reader([record.replace("\n", " ")]), [])
        if record:
            (good if len(fields) == 2 else broken).append(line)
        text += record + line_end
        line += 1 + record.count("\n")
    (tmp_path / "t.csv").write_bytes(text.encode())
    table, rows, _ = read_files(tmp_path, "t.csv")
    (part,) = table.parts
    assert len(rows) == len(good)
    assert list(part.lines(range(len(rows)))) == good
    assert [line.line for line in part.broken] == broken


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-2", ""], "BIGINT"),
        (["01", "2"], "VARCHAR"),
        (["9223372036854775808", "1"], "VARCHAR"),
        (["1.50", "2.25"], "DECIMAL(18,2)"),
        (["1.5", "2.25"], "DOUBLE"),
        (["1", "2.25"], "DOUBLE"),
        (["1", "x"], "VARCHAR"),
        (["12345678901234567890.5", "1.25"], "VARCHAR"),
        (["2024-01-05", ""], "DATE"),
        (["2024-01-05", "2024-02-30"], "VARCHAR"),
        (["2024-01-05", "2024-01-05 10:00:00"], "VARCHAR"),
        (["2024-01-05 10:00:00", "2024-01-05T10:00"], "TIMESTAMP"),
        (["2024-01-05T10:00:00Z", "2024-01-05 10:00:00+02:00"], "TIMESTAMP WITH TIME ZONE"),
        (["true", "False"], "BOOLEAN"),
        (["yes", "no"], "VARCHAR"),
        (["", ""], "VARCHAR"),
    ],
)
def test_types_fit_every_value(tmp_path: Path, values: list[str], type_: str) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["key,v", *(f"k,{value}" for value in values)]))
    assert read_files(tmp_path, "t.csv")[2]["v"] == type_


def test_a_type_is_tested_on_every_value(tmp_path: Path) -> None:
    values = [*map(str, range(200_000)), "007"]
    (tmp_path / "t.csv").write_text("\n".join(["key,v", *(f"k,{value}" for value in values)]))
    _, rows, types = read_files(tmp_path, "t.csv")
    assert types["v"] == "VARCHAR"
    assert [row[1] for row in rows] == values


def test_rows_keep_their_order(tmp_path: Path) -> None:
    for number in range(3):
        rows = "\n".join(f"{number * 400_000 + row},x" for row in range(400_000))
        (tmp_path / f"{number}.csv").write_text(f"n,x\n{rows}\n")
    table, found, _ = read_files(tmp_path, "0.csv", "1.csv", "2.csv")
    assert [row[0] for row in found] == list(range(1_200_000))
    assert [(part.first, part.rows) for part in table.parts] == [
        (0, 400_000),
        (400_000, 400_000),
        (800_000, 400_000),
    ]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_is_the_headers(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "t.csv").write_text(f"a{delimiter}b\n'x y'{delimiter}4\n")
    assert read_files(tmp_path, "t.csv")[1] == [("'x y'", 4)]


def test_a_given_delimiter_overrules_the_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b;c\n1,2;3\n")
    assert read_files(tmp_path, "t.csv", delimiter=";")[1] == [("1,2", 3)]


def test_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("name;città\nJosé;São Paulo\n".encode("latin-1"))
    _, rows, types = read_files(tmp_path, "t.csv", encoding="latin-1")
    assert rows == [("José", "São Paulo")]
    assert list(types) == ["name", "città"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_bytes_that_are_no_characters_break_only_their_line(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,x\n2,bad \x81\n3,y\n")
    table, rows, _ = read_files(tmp_path, "t.csv", encoding=encoding)
    assert rows == [(1, "x"), (3, "y")]
    (line,) = table.parts[0].broken
    assert (line.line, line.text) == (3, "2,bad \\x81")
    assert f"not valid {encoding}" in line.reason


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\r\n1,2\n3,4\r\n", [(1, 2), (3, 4)]),
        (b"a,b\n1,2\r\n3,4\n", [(1, 2), (3, 4)]),
        (b"a,b\r1,2\r3,4\r", [(1, 2), (3, 4)]),
        (b"a,b\nx\ry,2\nz,4\n", [("x y", 2), ("z", 4)]),
        (b'a,b\r\n"x\ny",2\r\n', [("x\ny", 2)]),
        (b"a,b\n1,2", [(1, 2)]),
        (b"a,b\n", []),
        (b"a\n1\n\n2\n\n", [(1,), (2,)]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [(1, 2)]),
        (b"a,a,,A\n1,2,3,4\n", [(1, 2, 3, 4)]),
    ],
)
def test_line_ends_and_headers(tmp_path: Path, content: bytes, rows: list[tuple[Any, ...]]) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    assert read_files(tmp_path, "t.csv")[1] == rows


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,A,,a_2\n1,2,3,4\n")
    assert list(read_files(tmp_path, "t.csv")[2]) == ["a", "A_2", "column3", "a_2_2"]


def test_each_record_that_an_open_quote_swallows_is_a_broken_line(tmp_path: Path) -> None:
    swallowed = "".join(f"{n},y\n" for n in range(3, 3000))
    text = f'a,b\n1,x\n\n2,"open\nmore\n{swallowed}3000,y"z\n3001,w\n'
    (tmp_path / "t.csv").write_text(text)
    table, rows, _ = read_files(tmp_path, "t.csv")
    assert rows == [(1, "x"), (3001, "w")]
    first, second, *_, last = broken = table.parts[0].broken
    assert len(broken) == 2999
    assert (first.line, first.text) == (4, '2,"open\nmore')
    assert (second.line, second.text) == (6, "3,y")
    assert (last.line, last.text) == (3003, '3000,y"z')
    assert last.reason.endswith("in quotes that are not closed; the first is in line 4")
    assert list(table.parts[0].lines([0, 1])) == [2, 3004]


def test_a_value_that_holds_records_is_told(exports: Exports) -> None:
    rows = [f"{n},New,pipe,{n}" for n in range(2, 12)]
    rows[3], rows[7] = '5,New,"5 inch,5', '9,New,pipe 9",9'
    exports.write("deals.csv", "\n".join(["id,stage,name,amount", *rows, ""]))
    columns = {name: name for name in ("stage", "name", "amount")}
    deals = {"from": "deals", "columns": {"source_id": "id", **columns}}
    company = exports.company({"opportunities": deals})
    report = load_source(company, company.sources[0])
    assert report.tables[0].rows == 6
    (warning,) = report.warnings
    assert warning.startswith("deals.csv: line 5 has a value in quotes that goes on over 3 lines")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "empty; its first line must name the columns"),
        ("t.csv", b"\n\n", "empty; its first line must name the columns"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16-le"), "options: encoding: utf-16-le"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16-be"), "options: encoding: utf-16-be"),
        (
            "t.csv.gz",
            gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:-9],
            "damaged or truncated gzip file",
        ),
        ("t.csv.gz", b"a,b\n1,2\n", "damaged or truncated gzip file"),
        (
            "t.jsonl.gz",
            gzip.compress(b'{"a": 1}\n' * 999, mtime=0)[:-9],
            "damaged or truncated gzip file",
        ),
        (
            "t.csv",
            b'a,b\n1,2\n3,"4\n5,6\n',
            "line 3 opens a quote that nobody closes: it .* 2 lines",
        ),
        ("t.csv", b'a,b\n1,2\n3,"4', "line 3 opens a quote that nobody closes"),
        ("t.jsonl", b'{"a": 1}\n{"a": \n', "Malformed JSON"),
        ("t.jsonl", b"", "expected records"),
        ("t.json", b"[1, 2]", "expected records"),
        ("t.parquet", b"PAR1", "not a readable Parquet file"),
        ("t.xlsx", b"PK", "not a readable XLSX file"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as error:
        read_files(tmp_path, name)
    assert str(error.value).startswith(f"{tmp_path / name}: ")


def test_json_arrays_and_nested_values(tmp_path: Path) -> None:
    rows = [{"id": "01", "n": 1, "tags": ["a"], "o": {"x": 1}}, {"id": "2", "n": 2.5}]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    _, found, types = read_files(tmp_path, "t.json")
    assert found == [("01", 1.0, ["a"], {"x": 1}), ("2", 2.5, None, None)]
    assert types["id"] == "VARCHAR"


def test_parquet_types_stay(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select '1' as id, 2.50::DECIMAL(9,2) as n) to '{tmp_path / 't.parquet'}'"
        )
    assert read_files(tmp_path, "t.parquet")[1] == [("1", Decimal("2.50"))]
