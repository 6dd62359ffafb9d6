"""Tables and SELECTs of a database are loaded as exports are: what is new, changed, gone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingestion.company.provides import find_overlaps
from ingestion.errors import SourceError
from tests.sql.databases import Db

INVOICES = {
    "source_id": "number",
    "customer_id": "customer",
    "issued_at": "issued",
    "total": "gross",
    "currency": "'EUR'",
    "status": "'open'",
}


def table(db: Db, name: str = "bills") -> None:
    db.run(
        f"create table {name} (number integer primary key, customer varchar(20), issued date, "
        "gross numeric(12, 2), touched timestamp)"
    )


def put(db: Db, number: int, gross: str, touched: str = "2026-03-01 10:00:00") -> None:
    db.run(
        f"delete from bills where number = {number}",
        f"insert into bills values ({number}, 'c{number}', '2026-03-01', {gross}, '{touched}')",
    )


def counts(load: object) -> tuple[int, int, int, int]:
    return tuple(  # type: ignore[return-value]
        getattr(load, f"rows{name}") for name in ("", "_new", "_changed", "_deleted")
    )


def test_a_table_is_read_whole_and_what_differs_is_a_version(db: Db) -> None:
    table(db)
    for number in (1, 2, 3, 4, 5, 6):
        put(db, number, "10.10")
    entities = {"invoices": {"from": "bills", "columns": INVOICES}}
    assert counts(db.load(entities)["invoices"]) == (6, 6, 0, 0)
    put(db, 2, "20.20")
    put(db, 7, "0.05")
    db.run("delete from bills where number = 1")
    assert counts(db.load(entities)["invoices"]) == (6, 1, 1, 1)
    assert db.latest("invoices", "source_id", "total") == [
        *((str(it), Decimal("20.20" if it == 2 else "10.10")) for it in (2, 3, 4, 5, 6)),
        ("7", Decimal("0.05")),
    ]
    assert db.load(entities)["invoices"].is_unchanged


def test_with_a_cursor_only_what_may_have_changed_is_read(db: Db) -> None:
    table(db)
    for number in range(1, 11):
        put(db, number, "10", f"2026-03-{number:02} 10:00:00")
    entities = {
        "invoices": {
            "from": "bills",
            "columns": INVOICES,
            "cursor": "touched",
            "lag": "1d",
            "deletes": "keys",
        }
    }
    assert counts(db.load(entities)["invoices"]) == (10, 10, 0, 0)
    put(db, 3, "33", "2026-03-10 09:30:00")  # committed late: it is behind the highest
    put(db, 11, "11", "2026-03-11 10:00:00")
    db.run("delete from bills where number = 5")
    db.run("update bills set gross = 44 where number = 4")  # without a trace in the cursor
    assert counts(db.load(entities)["invoices"]) == (10, 1, 1, 1)
    totals = dict(db.latest("invoices", "source_id", "total"))
    assert (totals["3"], totals["11"], totals["4"]) == (33, 11, 10)
    assert "5" not in totals
    assert db.load(entities)["invoices"].is_unchanged


@pytest.mark.parametrize("history", ["gone", "select number from gone where number > 0;"])
def test_a_history_tells_what_was_deleted_unless_it_is_back(db: Db, history: str) -> None:
    table(db)
    db.run("create table gone (number integer)")
    for number in range(1, 11):
        put(db, number, "10", f"2026-03-{number:02} 10:00:00")
    entities = {
        "invoices": {
            "from": "bills",
            "columns": INVOICES,
            "cursor": "touched",
            "deletes": {"history": history},
        }
    }
    db.load(entities)
    db.run("delete from bills where number in (2, 3)", "insert into gone values (2), (3)")
    put(db, 3, "30", "2026-03-12 10:00:00")
    assert counts(db.load(entities)["invoices"]) == (9, 0, 1, 1)
    put(db, 4, "40", "2026-04-12 10:00:00")
    assert counts(db.load(entities)["invoices"]) == (9, 0, 1, 0)
    assert [id_ for (id_,) in db.latest("invoices", "source_id")] == [
        *("1", "10"),
        *map(str, range(3, 10)),
    ]


def test_a_record_that_came_too_late_for_the_lag_is_found_by_its_key(db: Db) -> None:
    table(db)
    for number in range(1, 11):
        put(db, number, "10", f"2026-03-{number:02} 10:00:00")
    entities = {
        "invoices": {
            "from": "bills",
            "columns": INVOICES,
            "cursor": "touched",
            "deletes": "keys",
        }
    }
    db.load(entities)
    put(db, 99, "9", "2026-03-02 10:00:00")
    assert counts(db.load(entities)["invoices"]) == (11, 1, 0, 0)
    assert db.report is not None
    assert "1 records are there whose touched is older than the lag" in db.report.warnings[0]


def test_what_was_rejected_stays_so_until_it_is_right_or_gone(db: Db) -> None:
    table(db)
    for number in range(1, 11):
        put(db, number, "10", f"2026-03-{number:02} 10:00:00")
    db.run("update bills set issued = null where number in (1, 2, 3)")
    entities = {
        "invoices": {
            "from": "bills",
            "columns": INVOICES,
            "cursor": "touched",
            "deletes": "keys",
        }
    }
    load = db.load(entities)["invoices"]
    assert (load.rows, load.rows_rejected) == (7, 3)
    put(db, 2, "2", "2026-03-11 10:00:00")
    db.run("delete from bills where number = 3")
    load = db.load(entities)["invoices"]
    assert (load.rows, load.rows_new, load.rows_rejected) == (8, 1, 1)
    last = db.rows("select max(_dlt_load_id) as id from raw_sql.exports")[0]["id"]
    rejected = db.rows("select source_id from raw_sql.rejected where _dlt_load_id = ?", [last])
    assert rejected == [{"source_id": "1"}]


def test_a_table_without_a_key_tells_its_rows_apart_by_their_values(db: Db) -> None:
    db.run("create table costs (month date, category varchar(20), amount numeric(10, 2))")
    db.run(
        "insert into costs values ('2026-01-01', 'salaries', 5), ('2026-01-01', 'salaries', 5), "
        "('2026-01-01', 'tools', 7)"
    )
    entities = {
        "invoice_lines": {
            "from": "costs",
            "columns": {
                "invoice_id": "category",
                "amount": "amount",
                "is_recurring": "true",
                "product": "category",
            },
        }
    }
    assert counts(db.load(entities)["invoice_lines"])[:2] == (3, 3)
    assert db.load(entities)["invoice_lines"].is_unchanged


def test_an_empty_table_is_no_error_and_its_columns_are_known(db: Db) -> None:
    table(db)
    entities = {"invoices": {"from": "bills", "columns": INVOICES}}
    assert counts(db.load(entities)["invoices"]) == (0, 0, 0, 0)
    with pytest.raises(SourceError, match="no column is called 'grosss'; did you mean 'gross'"):
        db.load({"invoices": {"from": "bills", "columns": {**INVOICES, "total": "grosss"}}})


def test_a_row_that_says_that_it_is_deleted_is_no_late_one(db: Db) -> None:
    table(db)
    for number in range(1, 11):
        put(db, number, "10", f"2026-03-{number:02} 10:00:00")
    entities = {
        "invoices": {
            "from": "bills",
            "columns": {**INVOICES, "is_deleted": "number = 2"},
            "cursor": "touched",
            "deletes": "keys",
        }
    }
    assert counts(db.load(entities)["invoices"])[1:] == (10, 0, 0)
    db.run("update bills set gross = 44 where number = 4")  # a whole read would see it
    put(db, 11, "11", "2026-03-11 10:00:00")
    assert counts(db.load(entities)["invoices"])[1:] == (1, 0, 0)
    assert db.report is not None
    assert not db.report.warnings


def test_of_two_sources_that_give_the_same_each_says_which_part(db: Db) -> None:
    entities = {"invoices": {"from": "bills", "columns": INVOICES}}
    company = db.company(entities)
    (source,) = company.sources
    assert source.entities_given == ("invoices",)
    assert source.without(["invoices"]) == "remove entities.invoices"
    assert source.gives("invoices", "total")
    assert not source.gives("invoices", "tax")
    assert not source.gives("payments", "amount")
    both = [source, source.model_copy(update={"name": "erp_us"})]
    ((key, _, said),) = find_overlaps(both)
    assert key[0] == "sources"
    assert "provides: {invoices: " in said
