"""Attacks on the door: exports that are broken, cut off, still being written, or mean harm."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import re
import resource
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.cli import main
from ingestion.company.reading import load_company
from ingestion.errors import CompanyError, SourceError
from ingestion.pipeline import load_source
from ingestion.sources.files import arrival
from ingestion.sources.files.catalog import Relation
from ingestion.sources.files.formats import csv_header, limits
from ingestion.sources.files.formats.xlsx_book import read_here
from ingestion.sources.files.reading import read
from ingestion.sources.files.settings import FileOptions
from tests.conftest import Publish
from tests.faults.attacks import bites, held, replaced
from tests.ingestion.conftest import Exports
from tests.ingestion.conftest import empty_warehouse as empty_warehouse
from tests.ingestion.conftest import exports as exports
from tests.ingestion.test_xlsx import write_xlsx
from tests.orchestration.copies import Copy
from tests.thorough import thorough

FILES = "ingestion.sources.files"
HEADER = "id,name,stage,amount,created"
MAPPING = {
    "opportunities": {
        "from": "deals",
        "columns": {
            "source_id": "id",
            "name": "name",
            "stage": "stage",
            "amount": "amount",
            "created_at": "created",
        },
    }
}


def records(number: int) -> list[str]:
    """Deals from D1 on, the first of which is in line 2."""
    return [
        f"D{n},Deal number {n},New,{n * 10}.50,2024-01-{n % 28 + 1:02}"
        for n in range(1, number + 1)
    ]


def text(lines: Sequence[str]) -> str:
    """A CSV file of records."""
    return "\n".join([HEADER, *lines, ""])


def deleted(exports: Exports) -> int:
    """How many records were ever taken for deleted."""
    sql = "select count(*) as n from raw_files.opportunities where is_deleted"
    return int(exports.rows(sql)[0]["n"])


def warnings(exports: Exports) -> str:
    """What a load says deserves a look."""
    company = exports.company(MAPPING)
    return "\n".join(load_source(company, company.sources[0]).warnings)


def unguarded(*guards: tuple[str, Any]) -> ExitStack:
    """All of these guards replaced for a while."""
    stack = ExitStack()
    for guard, instead in guards:
        stack.enter_context(replaced(f"{FILES}.{guard}", instead))
    return stack


UNREADABLE = ("entity_load:EntityLoad._unreadable", "")
CUT_OFF = ("guards:was_ended", False)

UNCLOSED = "a quote in row 4,100 of 5,000 that nobody closes"


def unclosed(at: int = 4099, number: int = 5000) -> str:
    """Deals, one with a quote that opens and does not close."""
    lines = records(number)
    lines[at] = lines[at].replace(",Deal", ',"Deal')
    return text(lines)


@held(UNCLOSED)
def test_a_quote_that_reaches_the_end_refuses_the_file(exports: Exports) -> None:
    exports.write("deals.csv", text(records(5000)))
    exports.load(MAPPING)
    exports.write("deals.csv", unclosed())
    told = r"deals.csv: line 4101 opens a quote that nobody closes: it takes in the 901 lines"
    with pytest.raises(SourceError, match=told):
        exports.load(MAPPING)
    assert deleted(exports) == 0
    exports.write("deals.csv", text(records(5000)))
    assert exports.load(MAPPING)["opportunities"].is_unchanged


@bites(UNCLOSED)
def test_a_quote_that_reaches_the_end_would_delete_hundreds(exports: Exports) -> None:
    exports.write("deals.csv", text(records(5000)))
    exports.load(MAPPING)
    path = exports.write("deals.csv", unclosed())
    as_duckdb_tells = ("formats.csv_files:told_apart", lambda *arguments: arguments[-1].values())
    with unguarded(as_duckdb_tells, UNREADABLE, CUT_OFF):
        load = exports.load(MAPPING)["opportunities"]
    assert (load.rows_rejected, deleted(exports)) == (1, load.rows_deleted)
    assert load.rows_deleted > 600
    (row,) = exports.rejected()
    assert len(row["record"]["line"]) <= 10_000 < path.stat().st_size - 4100 * 44


SWALLOWED = "a quote that takes in 300 records"


def swallowing() -> tuple[str, list[str]]:
    """Deals with a quote that opens in row 4,100 and does harm until row 4,400; those lines."""
    lines = records(5000)
    lines[4099] = lines[4099].replace(",Deal", ',"Deal')
    lines[4399] = lines[4399].replace("number", 'num"ber')
    return text(lines), lines[4099:4400]


@held(SWALLOWED)
def test_what_a_quote_takes_in_is_kept_whole_and_deletes_nothing(exports: Exports) -> None:
    exports.write("deals.csv", text(records(5000)))
    exports.load(MAPPING)
    content, lines = swallowing()
    exports.write("deals.csv", content)
    company = exports.company(MAPPING)
    report = load_source(company, company.sources[0])
    (load,) = report.tables
    assert (load.rows, load.rows_rejected, load.rows_deleted) == (4699, 301, 0)
    rejected = exports.rejected()
    assert [row["source_line"] for row in rejected] == [*range(4101, 4402)]
    assert [row["record"]["line"] for row in rejected] == lines
    assert deleted(exports) == 0


@held(SWALLOWED)
def test_lines_that_cannot_be_read_delete_no_other_record_either(exports: Exports) -> None:
    exports.write("deals.csv", text(records(1000)))
    exports.load(MAPPING)
    lines = records(1000)
    exports.write("deals.csv", text([*lines[:500], "D501,broken", *lines[530:]]))
    told = warnings(exports)
    assert "29 of 1,000 records are gone from this export, and none is taken for deleted" in told
    assert "deals.csv, line 502 cannot be read" in told
    assert deleted(exports) == 0


@held(SWALLOWED)
def test_a_value_that_holds_records_deletes_none_of_them(exports: Exports) -> None:
    exports.write("deals.csv", text(records(1000)))
    exports.load(MAPPING)
    lines = records(1000)
    lines[500] = lines[500].replace(",Deal", ',"Deal')
    lines[520] = lines[520].replace(",New", '",New')
    exports.write("deals.csv", text(lines))
    load = exports.load(MAPPING)["opportunities"]
    assert (load.rows_rejected, load.rows_deleted) == (0, 0)


@bites(SWALLOWED)
def test_what_a_quote_takes_in_would_be_deleted(exports: Exports) -> None:
    exports.write("deals.csv", text(records(1000)))
    exports.load(MAPPING)
    lines = records(1000)
    exports.write("deals.csv", text([*lines[:500], "D501,broken", *lines[530:]]))
    with unguarded(UNREADABLE):
        assert exports.load(MAPPING)["opportunities"].rows_deleted == 29


LONG = "a field of 40 MB"


def with_long_field(size: int) -> str:
    """Deals, one with a name of that size."""
    lines = records(50)
    lines[10] = lines[10].replace("Deal number 11", "x" * size)
    return text(lines)


@held(LONG)
def test_a_field_of_40_mb_is_rejected_whole(exports: Exports) -> None:
    exports.write("deals.csv", with_long_field(40_000_000))
    load = exports.load(MAPPING)["opportunities"]
    assert (load.rows, load.rows_rejected) == (49, 1)
    (row,) = exports.rejected()
    assert row["source_line"] == 12
    assert row["reason"] == "broken line: longer than 16 MB"
    assert row["record"]["line"] == f"D11,{'x' * 40_000_000},New,110.50,2024-01-12"


@bites(LONG)
def test_a_field_of_40_mb_would_be_cut(exports: Exports) -> None:
    exports.write("deals.csv", with_long_field(40_000_000))
    with unguarded(("formats.csv_files:told_apart", lambda *arguments: arguments[-1].values())):
        exports.load(MAPPING)
    (row,) = exports.rejected()
    assert len(row["record"]["line"]) == 10_000


CUT = "an export that is cut off"


def cut_at(content: str, is_there: Callable[[str], bool]) -> str:
    """The beginning of a text, some 90% of it, that fulfils a condition."""
    return next(content[:n] for n in count(len(content) * 9 // 10) if is_there(content[:n]))


@held(CUT)
@pytest.mark.parametrize("ending", [",New", ",2024-01-1"])
def test_a_file_that_ends_within_a_line_is_refused(exports: Exports, ending: str) -> None:
    content = text(records(1000))
    exports.write("deals.csv", content)
    exports.load(MAPPING)
    exports.write("deals.csv", cut_at(content, lambda kept: kept.endswith(ending)))
    with pytest.raises(SourceError, match=r"deals.csv: nothing ends line 9\d\d, .* cut off there"):
        exports.load(MAPPING)
    exports.write("deals.csv", content)
    assert exports.load(MAPPING)["opportunities"].is_unchanged


@held(CUT)
def test_records_that_vanish_with_a_cut_between_lines_are_told(exports: Exports) -> None:
    content = text(records(1000))
    exports.write("deals.csv", content)
    exports.load(MAPPING)
    exports.write("deals.csv", cut_at(content, lambda kept: kept.endswith("\n")))
    told = warnings(exports)
    assert re.search(r"\d\d of 1,000 records are gone from this export at once", told), told
    exports.write("deals.csv", content)
    exports.load(MAPPING)
    there = exports.rows(
        "select count(*) as n from (select arg_max(is_deleted, _dlt_load_id) as gone "
        "from raw_files.opportunities group by source_id) where not gone"
    )
    assert there == [{"n": 1000}]


@held(CUT)
def test_a_few_records_that_vanish_are_not_told(exports: Exports) -> None:
    exports.write("deals.csv", text(records(1000)))
    exports.load(MAPPING)
    exports.write("deals.csv", text(records(980)))
    assert "gone" not in warnings(exports)
    assert deleted(exports) == 20


@bites(CUT)
def test_a_file_that_ends_within_a_line_would_delete_records(exports: Exports) -> None:
    content = text(records(1000))
    exports.write("deals.csv", content)
    exports.load(MAPPING)
    exports.write("deals.csv", cut_at(content, lambda kept: kept.endswith(",New")))
    with unguarded(UNREADABLE, CUT_OFF):
        assert exports.load(MAPPING)["opportunities"].rows_deleted > 90


@thorough
@held(CUT)
def test_a_company_whose_export_was_cut_off_has_the_numbers_of_its_twin(
    published: Publish, tmp_path: Path
) -> None:
    copy = Copy.of(published("edge_cases"), tmp_path)
    numbers = copy.kpis()
    export = copy.export("opportunities.csv")
    whole = export.read_bytes()
    export.write_bytes(whole[: len(whole) * 9 // 10])
    assert copy.run().returncode == 2
    export.write_bytes(whole)
    assert copy.run().returncode == 0
    assert copy.kpis() == numbers


REPLACED = "a file that is replaced between being hashed and being read"
OLD, NEW = text(records(30)), text(records(40))


def replacing(exports: Exports, content: str) -> tuple[str, Callable[..., object]]:
    """The fingerprints, and a file that is replaced right after they were taken."""
    from ingestion.sources.files.extraction import _Extract

    take = _Extract._fingerprints

    def taken(extract: Any) -> dict[str, str]:
        found = take(extract)
        new = exports.write("new.csv.part", content)
        new.replace(exports.folder / "deals.csv")
        return found

    return "extraction:_Extract._fingerprints", taken


@held(REPLACED)
def test_a_file_that_is_replaced_is_never_loaded_under_its_old_hash(exports: Exports) -> None:
    exports.write("deals.csv", OLD)
    told = r"deals.csv: changed while it was read"
    with unguarded(replacing(exports, NEW)), pytest.raises(SourceError, match=told):
        exports.load(MAPPING)
    assert exports.load(MAPPING)["opportunities"].rows_new == 40


@held(REPLACED)
@pytest.mark.parametrize("does", ["rewrite", "same size", "remove"])
def test_a_file_that_changes_while_it_is_read_is_refused(exports: Exports, does: str) -> None:
    path = exports.write("deals.csv", OLD)
    from ingestion.sources.files import reading

    original = reading.read_csv

    def changing(*arguments: Any) -> Any:
        found = original(*arguments)
        if does == "remove":
            path.unlink()
        elif does == "rewrite":
            path.write_text(NEW)
        else:
            before = path.stat()
            path.write_text(OLD.replace("number 7", "number 8"))
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return found

    told = "cannot be read" if does == "remove" else "changed while it was read"
    with (
        unguarded(("reading:read_csv", changing)),
        pytest.raises(SourceError, match=f"deals.csv: {told}"),
    ):
        exports.load(MAPPING)


@bites(REPLACED)
def test_a_file_that_is_replaced_would_stay_unchanged_for_ever(exports: Exports) -> None:
    exports.write("deals.csv", OLD)
    with unguarded(replacing(exports, NEW), ("extraction:refuse_changed", None)):
        assert exports.load(MAPPING)["opportunities"].rows_new == 40
    (export,) = exports.rows("select files from raw_files.exports")
    (file,) = json.loads(export["files"])
    assert file["sha256"] == hashlib.sha256(OLD.encode()).hexdigest()
    exports.write("deals.csv", OLD)
    assert exports.load(MAPPING)["opportunities"].is_unchanged


GROWING = "a file that is still being written"


@pytest.fixture
def grows(exports: Exports) -> Iterator[threading.Thread]:
    """Somebody writes deals, a tenth of them every fifth of a second."""
    exports.write("deals.csv", "")
    lines = text(records(1000)).splitlines(keepends=True)

    def write() -> None:
        with (exports.folder / "deals.csv").open("a") as file:
            for start in range(0, len(lines), 100):
                file.writelines(lines[start : start + 100])
                file.flush()
                time.sleep(0.2)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.3)
    yield writer
    writer.join()


@held(GROWING)
@pytest.mark.usefixtures("grows")
def test_a_file_that_grows_is_waited_for(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "REST", 1.0)
    assert exports.load(MAPPING)["opportunities"].rows == 1000


class Clock:
    """A clock that goes on only where somebody sleeps, while somebody else may write."""

    def __init__(self, while_asleep: Callable[[], object] = lambda: None) -> None:
        self.now = 0.0
        self.while_asleep = while_asleep

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.while_asleep()

    def guards(self) -> ExitStack:
        start = time.time()
        return unguarded(
            ("arrival:sleep", self.sleep),
            ("arrival:monotonic", lambda: self.now),
            ("arrival:time", lambda: start + self.now),
        )


@held(GROWING)
def test_a_file_that_does_not_cease_to_grow_is_refused_after_30_seconds(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "REST", 2.0)
    path = exports.write("deals.csv", OLD)

    def write() -> None:
        with path.open("a") as file:
            file.write("D9999,More,New,1,2024-01-01\n")

    clock = Clock(write)
    with clock.guards(), pytest.raises(SourceError, match=r"deals.csv: still being written"):
        exports.load(MAPPING)
    assert 30 <= clock.now <= 32


@held(GROWING)
def test_a_check_does_not_wait_long(
    exports: Exports, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arrival, "REST", 2.0)
    path = exports.write("deals.csv", OLD)
    company = exports.company(MAPPING)
    clock = Clock(lambda: path.write_text(path.read_text() + "D9999,More,New,1,2024-01-01\n"))
    with clock.guards():
        assert main(["check", "--company", str(company.path)]) == 2
    assert clock.now <= 4
    assert "deals.csv: still being written" in " ".join(capsys.readouterr().out.split())


@held(GROWING)
def test_nobody_waits_for_files_at_rest(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "REST", 2.0)
    path = exports.write("deals.csv", OLD)
    os.utime(path, (time.time() - 3, time.time() - 3))
    clock = Clock()
    with clock.guards():
        assert exports.load(MAPPING)["opportunities"].rows == 30
    assert clock.now == 0


@held(GROWING)
def test_a_file_dated_in_the_future_is_at_rest_once_it_does_not_change(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "REST", 2.0)
    path = exports.write("deals.csv", OLD)
    os.utime(path, (time.time() + 9999, time.time() + 9999))
    clock = Clock()
    with clock.guards():
        assert exports.load(MAPPING)["opportunities"].rows == 30
    assert clock.now == 2


@bites(GROWING)
@pytest.mark.usefixtures("grows")
def test_a_file_that_grows_would_be_loaded_by_half(exports: Exports) -> None:
    assert arrival.REST == 0
    with unguarded(("extraction:refuse_changed", None)):
        assert exports.load(MAPPING)["opportunities"].rows < 1000


VAST = "a sheet with a cell at XFD1048576"
FORMATTED = 'r="XFD1048576" s="1"/><c r="A3"'


def vast(path: Path, cell: str = 'r="XFD1048576"') -> Path:
    """A workbook of some 1,500 bytes with a row of two cells, and one cell more."""
    write_xlsx(path, {"Deals": [["id", "stage"], ["D1", "New"]]})
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    (sheet,) = (name for name in parts if "worksheets/s" in name)
    far = f'<row r="1048576"><c {cell}><v>1</v></c></row></sheetData>'.encode()
    parts[sheet] = parts[sheet].replace(b"</sheetData>", far)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            book.writestr(name, part)
    assert path.stat().st_size < 2000
    return path


def read_one(path: Path, folder: Path) -> int:
    """Read a file; how many rows it has."""
    folder.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        return (
            read(connection, Relation("t", (path,), FileOptions()), path.parent, folder)
            .parts[0]
            .rows
        )


@held(VAST)
def test_a_sheet_that_spans_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = vast(tmp_path / "t.xlsx")
    with pytest.raises(
        SourceError, match=r"t\.xlsx: sheet 'Deals' spans 1,048,576 rows and 16,384"
    ):
        read_one(path, tmp_path / "work")


@held(VAST)
def test_a_sheet_whose_span_cannot_be_told_is_read_with_limits(tmp_path: Path) -> None:
    path = vast(tmp_path / "t.xlsx", 'x=">" r="XFD1048576"')
    with pytest.raises(SourceError, match=r"t\.xlsx: reading it takes more than 4 GB"):
        read_one(path, tmp_path / "work")


@held(VAST)
def test_a_cell_far_away_that_is_only_formatted_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = vast(tmp_path / "t.xlsx", FORMATTED)
    assert read_one(path, tmp_path / "work") == 2


@bites(VAST)
def test_a_sheet_that_spans_too_much_would_kill_its_reader(tmp_path: Path) -> None:
    assert exit_status(_read_vast, vast(tmp_path / "t.xlsx")) == -signal.SIGABRT


def _read_vast(path: Path) -> None:
    """Read a sheet whatever it spans, within 8 GB."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    with unguarded(("formats.xlsx_errors:_refuse_vast", None)):
        read_here(path, 0, with_others=False, is_limited=False)


def exit_status(target: Callable[[Path], None], path: Path) -> int | None:
    """How a process ends that does something with a file."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=(path,))
    process.start()
    process.join()
    return process.exitcode


WIDE = "a file of 10,000 columns"


def wide(path: Path) -> Path:
    """A file of 10,000 columns, in the format of its name."""
    names = [f"c{n}" for n in range(10_000)]
    if path.suffix == ".csv":
        path.write_text("\n".join([",".join(names), ",".join("1" for _ in names), ""]))
    elif path.suffix == ".jsonl":
        path.write_text(json.dumps(dict.fromkeys(names, 1)) + "\n")
    else:
        pq.write_table(pa.table({name: [1] for name in names}), path)
    return path


@held(WIDE)
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_file_of_10_000_columns_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=rf"{name}: 10,000 columns, and at most 1,000 are read"):
        read_one(wide(tmp_path / name), tmp_path / "work")


@bites(WIDE)
def test_a_file_of_10_000_columns_would_take_its_time(tmp_path: Path) -> None:
    assert exit_status(_read_wide, wide(tmp_path / "t.csv")) in (1, -signal.SIGKILL)


def _read_wide(path: Path) -> None:
    """Read without a limit, within two seconds of work; fails where that does not do."""
    resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
    limits.MAX_COLUMNS = 1_000_000
    read_one(path, path.parent / "work")


DEEP = "YAML of 5,000 levels, JSON of 100,000"


@held(DEEP)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("name: " + "[" * 5000 + "]" * 5000, "line 1: not valid YAML: nested more than 100 levels"),
        ("".join(f"{' ' * n}a:\n" for n in range(1000)), "line 100: .*nested more than 100"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"b{n}: &b{n} [{','.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9)
            ),
            "more than 1,000,000 values, aliases written out",
        ),
        ("sources: &a [*a]\n", "more than 1,000,000 values"),
        ("as_of: 2024-02-30\n", "line 1: .*'2024-02-30' is no timestamp"),
        (f"fiscal_year_start_month: {'9' * 5000}\n", "line 1: .* is no int"),
        ("name: A\nb: \0\n", "line 2: not valid YAML: a character that is no text"),
    ],
)
def test_a_company_file_that_means_harm_is_one_clear_error(
    tmp_path: Path, content: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "company.yml"
    path.write_text(content)
    with pytest.raises(CompanyError, match=told) as error:
        load_company(path)
    assert str(error.value).startswith(f"{path}")
    assert main(["run", "--company", str(path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


@held(DEEP)
@pytest.mark.parametrize("part", ['{"a":[', '["]",'])
def test_json_too_deep_to_be_read_is_refused(tmp_path: Path, part: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(part * 100_000)
    with pytest.raises(SourceError, match=r"t\.json: objects or lists nested more than 1,000 deep"):
        read_one(path, tmp_path / "work")


@held(DEEP)
def test_brackets_in_values_are_not_levels(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    value = '[{"\\' * 50_000
    path.write_text("".join(json.dumps({"id": n, "note": value}) + "\n" for n in range(30)))
    assert read_one(path, tmp_path / "work") == 30


@bites(DEEP)
def test_what_is_too_deep_would_end_in_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "company.yml"
    path.write_text("name: " + "[" * 5000 + "]" * 5000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingestion.company.document.MAX_LEVELS", 10_000)
        with pytest.raises(RecursionError):
            load_company(path)


RANDOM = "random bytes for a file"
SUFFIXES = ("csv", "csv.gz", "tsv", "json", "jsonl", "parquet", "xlsx")


def noise(seed: int, suffix: str) -> bytes:
    """Random bytes, which may begin as a file of the format does."""
    source = random.Random(f"{seed} {suffix}")
    head = {"parquet": b"PAR1", "xlsx": b"PK\3\4", "csv": b"id,stage\n"}.get(suffix, b"")
    return (head if seed % 2 else b"") + source.randbytes(source.randrange(1, 20_000))


@held(RANDOM)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_random_bytes_load_nothing(
    exports: Exports, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(4):
        path = exports.write(f"deals.{suffix}", noise(seed, suffix))
        company = exports.company(MAPPING)
        assert main(["check", "--company", str(company.path)]) == 2, path
        told = capsys.readouterr()
        assert path.name in told.out
        assert "Traceback" not in told.out + told.err


@held(RANDOM)
def test_random_bytes_are_no_company_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "company.yml"
    for seed in range(8):
        path.write_bytes(noise(seed, "yml"))
        assert main(["run", "--company", str(path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


@bites(RANDOM)
def test_random_bytes_would_end_in_a_traceback(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_header, "NO_TEXT", re.compile("(?!)"))
    exports.write("deals.csv", noise(0, "csv"))
    with pytest.raises(duckdb.Error):
        exports.load(MAPPING)
