"""All that is wrong is told at once, by rule, before anything is written."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.cli import main
from dagster_project.commands.summary.loads import rejections
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.errors import SourceError
from ingestion.loading.reports import TableLoad
from ingestion.pipeline import check, load_source, prepare
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.conftest import Exports

BILLS = {
    "source_id": "id",
    "customer_id": "customer",
    "issued_at": "issued",
    "status": "status",
    "total": "total",
}
PEOPLE = {"source_id": "id", "name": "name"}


def two_sources(exports: Exports, people: Any, bills: Any, *more: Any) -> Path:
    """A company file with a source of people, one of bills, and more."""
    exports.write("people.csv", "id,name,mail\n1,Ann,a@x.org\n")
    if not (exports.folder / "bills.csv").exists():
        exports.write("bills.csv", "id,customer,issued,status,total\n7,c,2024-01-31,paid,5\n")
    files = {"type": "files", "path": "exports"}
    sources = [
        {"name": "crm", **files, "entities": {"users": {"from": "people", "columns": people}}},
        {"name": "books", **files, "entities": {"invoices": {"from": "bills", "columns": bills}}},
        *more,
    ]
    path = exports.root / "company.yml"
    document = {"name": "Test", "currency": "USD", "timezone": "UTC", "sources": sources}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def warehouse(company: Company) -> Path:
    return Path(Warehouse.of(company).location)


def test_all_sources_are_checked_before_the_first_is_loaded(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    wrong_people = {**PEOPLE, "name": "nme", "email": "mial"}
    wrong_bills = {**BILLS, "total": "upper(totl)"}
    path = two_sources(exports, wrong_people, wrong_bills, {"name": "hub", "type": "hubspot"})
    company = load_company(path)
    with pytest.raises(SourceError) as error:
        prepare(company, company.sources)
    users, bills = "sources.crm.entities.users: columns", "sources.books.entities.invoices: columns"
    begins = [f"{users}.name = 'nme'", f"{users}.email = 'mial'", f"{bills}.total = 'upper(totl)'"]
    begins.append("source hub: the environment variable HUBSPOT_TOKEN is not set")
    lines = str(error.value).splitlines()
    for line, begin in zip(lines, begins, strict=True):
        assert line.startswith(f"{path}: {begin}")
    assert not warehouse(company).exists()
    assert [*(exports.root / "data" / "test").rglob("*.parquet")] == []


def test_what_was_prepared_is_loaded_source_by_source(exports: Exports) -> None:
    company = load_company(two_sources(exports, PEOPLE, BILLS))
    prepared = prepare(company, company.sources)
    assert not warehouse(company).exists()
    reports = [one.load() for one in prepared]
    assert [(it.source, it.tables[0].rows_new) for it in reports] == [("crm", 1), ("books", 1)]
    assert len(exports.rows("select * from raw_files._dlt_loads where status = 0")) == 2
    assert all(one.load().is_unchanged for one in prepare(company, company.sources))
    assert [*(exports.root / "data" / "test").rglob("*.parquet")] == []


def test_all_that_is_wrong_with_the_file_and_its_sources_is_one_error(
    exports: Exports, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run says it, too: what the company file is wrong about hides nothing of the rest."""
    wrong_people = {**PEOPLE, "nmae": "name", "email": "lower(mail"}
    path = two_sources(exports, wrong_people, {**BILLS, "total": "totl"})
    assert main(["run", "--company", str(path)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert all(line.startswith(f"error: {path}: sources.") for line in told)
    assert [line.split(": sources.")[1].split(" = ")[0] for line in told] == [
        "0 (crm).entities.users.columns.nmae",
        "0 (crm).entities.users.columns.email",
        "books.entities.invoices: columns.total",
    ]
    assert not (exports.root / "data").exists()


def test_each_file_that_cannot_be_read_is_told_of_for_all_that_read_it(exports: Exports) -> None:
    exports.write("old_1.csv.gz", gzip.compress(b"id,name\n1,Ann\n" * 99)[:40])
    exports.write("old_2.csv", "id,name\n1,Ann\n")
    exports.write("old_3.csv", "")
    exports.write("bad.parquet", "no")
    exports.write("bad.xlsx", "no")
    exports.write("bad.jsonl", '{"id": 1, "name": "A"}\n{"id": \n')
    columns = {"source_id": "id", "name": "name"}
    origins = ["old_*", "bad.parquet", "bad.xlsx", "bad.jsonl"]
    entities = ["users", "accounts", "campaigns", "experiments"]
    mappings = {e: {"from": o, "columns": columns} for e, o in zip(entities, origins, strict=True)}
    mappings["contacts"] = {
        "from": 'select * from "bad.jsonl" join "bad.xlsx" using (id)',
        "columns": columns,
    }
    company = exports.company(mappings)
    with pytest.raises(SourceError) as error:
        prepare(company, company.sources)
    told = str(error.value).splitlines()
    for name in ("old_1.csv.gz", "old_3.csv", "bad.parquet", "bad.xlsx", "bad.jsonl"):
        assert [line for line in told if name in line], name
    assert not [line for line in told if "old_2" in line]


def test_what_is_rejected_is_told_with_what_is_refused(exports: Exports) -> None:
    """In whichever source; else it would be the next message but one."""
    exports.write("bills.csv", "id,customer,issued,status,total\n7,c,31.1.2024,paid,5\n")
    company = load_company(two_sources(exports, {**PEOPLE, "name": "nme"}, BILLS))
    with pytest.raises(SourceError) as error:
        prepare(company, company.sources)
    refused, rejected = str(error.value).splitlines()
    assert "sources.crm.entities.users: columns.name = 'nme': no column is called" in refused
    assert "did you mean 'name'?" in refused
    assert rejected.startswith(
        f"{company.path}: sources.books.entities.invoices: rejected: "
        "1 × issued_at like 31.1.2024 (bills.csv:2): expected a timestamp"
    )


def test_a_check_says_that_all_is_right_and_writes_nothing(
    exports: Exports, capsys: pytest.CaptureFixture[str]
) -> None:
    path = two_sources(exports, PEOPLE, BILLS)
    assert main(["check", "--company", str(path)]) == 0
    out = capsys.readouterr().out
    assert "users: 1 rows of people.csv: 1 fit" in out
    assert out.endswith("All is right: a run would load this.\n")
    assert not (exports.root / "data").exists()


def test_a_check_tells_what_is_rejected_by_rule_with_place_and_remedy(
    exports: Exports, capsys: pytest.CaptureFixture[str]
) -> None:
    days = "".join(f"{n},c,{n % 28 + 1:02}.11.2026,paid,5\n" for n in range(310))
    exports.write("bills.csv", f"id,customer,issued,status,total\n{days}x,,2026-11-01,paid,6\n")
    path = two_sources(exports, PEOPLE, BILLS)
    assert main(["check", "--company", str(path)]) == 2
    out = capsys.readouterr().out
    assert "invoices: 311 rows of bills.csv: 0 fit, 311 rejected" in out
    (dates,) = [line for line in out.splitlines() if "issued_at" in line]
    assert dates.startswith(
        "    rejected: 310 × issued_at like 01.11.2026, 02.11.2026 (bills.csv:2): expected a time"
    )
    assert dates.endswith("use date_format: '%d.%m.%Y'")
    assert "rejected: 1 × customer_id (bills.csv:312): missing, but required" in out
    assert "above rejected_tolerance (1.0%): mend them as said, or allow" in out
    assert out.endswith("1 to mend: a run would stop, or not be published.\n")


def test_a_check_tells_what_a_load_would_refuse_and_change(exports: Exports) -> None:
    rows = [f"{n},c,2024-01-{n:02},paid,5\n" for n in range(1, 11)]
    header = "id,customer,issued,status,total\n"
    exports.write("bills.csv", header + "".join(rows))
    company = load_company(two_sources(exports, PEOPLE, BILLS))
    load_source(company, company.sources[1])
    *_, unchanged = check(company)
    assert (unchanged.problems, unchanged.tables[0].load.rows_read) == ((), 10)
    exports.write("bills.csv", header + "".join(rows[:5]))
    *_, shrunk = check(company)
    assert "the export has 5 rows, the last one had 10" in shrunk.problems[0]
    *_, forced = check(company, force=True)
    assert (forced.problems, forced.tables[0].load.rows_deleted) == ((), 5)
    assert len(exports.rows("select * from raw_files._dlt_loads")) == 1


def test_a_check_moves_no_unusable_warehouse_aside(
    exports: Exports, capsys: pytest.CaptureFixture[str]
) -> None:
    path = two_sources(exports, PEOPLE, BILLS)
    file = warehouse(load_company(path))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database" * 1000)
    assert main(["check", "--company", str(path)]) == 2
    assert "not a usable database" in capsys.readouterr().err
    assert file.exists()


def test_rejected_rows_are_grouped_by_rule_whatever_their_values(exports: Exports) -> None:
    """Values that look like parts of reasons, several rules to a row, repeats, broken lines."""
    exports.write(
        "bills.csv",
        "id,customer,issued,status,total\n"
        "1,c,2024-01-31,paid,5\n1,c,2024-01-31,paid,6\n2,c,soon; amount = 3,paid,a = b: none\n"
        '3,c,"never\nmore",paid,5\n4,c\n5,c,2024-01-31\n1,c,2024-01-31,paid,7\n',
    )
    company = load_company(two_sources(exports, PEOPLE, BILLS))
    _, books = check(company)
    (invoices,) = books.tables
    found = {
        rule.text.split("; use")[0]: (rule.rows, rule.samples, rule.place)
        for rule in invoices.rules
    }
    number, moment = "expected a number, such as 1234.50", "expected a timestamp, such as"
    assert found == {
        f"total: {number}": (1, ["a = b: none"], "bills.csv:4"),
        f"issued_at: {moment} 2024-01-31 17:45:00 or 2024-01-31T17:45:00+01:00": (
            2,
            ["soon; amount = 3", "never\nmore"],
            "bills.csv:4",
        ),
        "source_id: repeated": (2, ["1", "1"], "bills.csv:3"),
        "broken line: Expected Number of Columns: 5": (2, [], "bills.csv:7"),
    }
    load = invoices.load
    assert load.rows_read == load.rows + load.rows_rejected == 7


def test_the_summary_tells_rejected_rows_by_rule_also_when_nothing_is_loaded_again(
    exports: Exports,
) -> None:
    days = "".join(f"{n},c,2024-02-{n},paid,5\n" for n in range(28, 33))
    exports.write("bills.csv", f"id,customer,issued,status,total\n{days}1,c,,paid,a lot\n")
    company = load_company(two_sources(exports, PEOPLE, BILLS))
    for is_unchanged in (False, True):
        report = load_source(company, company.sources[1])
        assert report.is_unchanged is is_unchanged
        lines = [*rejections(Warehouse.of(company), [report])]
        moment = "expected a timestamp, such as 2024-01-31 17:45:00 or 2024-01-31T17:45:00+01:00"
        assert [line.split("; use ")[0] for line in lines] == [
            "Rejected from books.invoices: "
            f"3 × issued_at like 2024-02-30, 2024-02-31 (bills.csv:4): {moment}",
            "Rejected from books.invoices: 1 × issued_at (bills.csv:7): missing, but required",
            "Rejected from books.invoices: "
            "1 × total like a lot (bills.csv:7): expected a number, such as 1234.50",
        ]


def shifted(exports: Exports, columns: dict[str, str], *names: str) -> TableLoad | tuple[str, ...]:
    exports.write("people.csv", "name\n" + "".join(f"{name}\n" for name in names))
    sql = "select *, row_number() over () as no from people"
    company = exports.company({"users": {"from": sql, "columns": columns}})
    return load_source(company, company.sources[0]).warnings


def test_most_records_changing_at_once_is_told_with_what_tells_them_apart(
    exports: Exports,
) -> None:
    by_number = {"source_id": "no", "name": "name"}
    assert shifted(exports, by_number, "b", "c", "d", "e") == ()
    assert shifted(exports, by_number, "b", "c", "x", "y") == ()
    (warning,) = shifted(exports, by_number, "a", "b", "c", "x", "y")
    assert warning.startswith(
        "users: 4 of 4 records changed at once: ids made by row number? (no tells the records apart"
    )
    teams = {**by_number, "team": "'North'"}
    (warning,) = shifted(exports, teams, "a", "b", "c", "x", "y")
    assert warning == (
        "users: 5 of 5 records changed at once, and so has how they are read: "
        "columns.team was not there, is \"'North'\""
    )


def test_rows_of_one_key_are_to_be_added_up(exports: Exports) -> None:
    salaries = "2024-03-01,salaries,East"
    exports.write("costs.csv", f"month,category,team,amount\n{salaries},5\n{salaries},7\n")
    columns = {name: name for name in ("month", "category", "team", "amount")}
    ledger = {
        "name": "ledger",
        "type": "files",
        "path": "exports",
        "entities": {"costs": {"from": "costs", "columns": columns}},
    }
    company = load_company(two_sources(exports, PEOPLE, BILLS, ledger))
    *_, checked = check(company)
    [rule] = checked.tables[0].rules
    assert str(rule).endswith("add them up in `from`, with sum(…) and group by")
