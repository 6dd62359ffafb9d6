"""What increments have made of a database is what a first load of it makes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingestion.paths import CompanyPaths
from tests.sql.databases import ADDRESS, Db

COLUMNS = {
    "source_id": "id",
    "customer_id": "'c'",
    "status": "'open'",
    "issued_at": "'2026-01-01'",
    "total": "total",
}
THREE = (
    "create table i (id integer, total integer, touched timestamp)",
    "insert into i values (1, 1, '2026-01-01 10:00:00'), (2, 2, '2026-01-01 10:00:00'),"
    " (3, 3, '2026-02-01 10:00:00')",
)


def invoices(**keys: Any) -> dict[str, Any]:
    said = {"from": "i", "columns": COLUMNS, "cursor": "touched", "deletes": "keys", **keys}
    return {"invoices": said}


def first_load(db: Db, entities: dict[str, Any], entity: str, *columns: str, **source: Any) -> Any:
    """The records of an entity as a first load of the database makes them; the data are its."""
    shutil.rmtree(CompanyPaths.of(db.company(entities, **source)).warehouse.parent)
    db.load(entities, **source)
    return db.latest(entity, *columns)


def loaded(db: Db) -> list[tuple[str, int]]:
    """The invoices, by id, with what they come to."""
    return [(id_, int(total)) for id_, total in db.latest("invoices", "source_id", "total")]


@pytest.mark.parametrize("deletes", ["keys", "none"])
def test_a_clock_ahead_does_not_hide_what_changed_between_two_loads(db: Db, deletes: str) -> None:
    """The change is behind the lag of the second load, and ahead of the first one."""
    db.run(
        "create table i (id integer, total integer, touched timestamp)",
        "insert into i values (1, 1, '2026-03-01 10:00:00'), (2, 2, '2099-01-01 00:00:00')",
    )
    db.settings["as_of"] = "2026-03-01T12:00:00"
    db.load(invoices(deletes=deletes))
    db.run("update i set total = 100, touched = '2026-03-01 15:00:00' where id = 1")
    db.settings["as_of"] = "2026-03-02T12:00:00"
    db.load(invoices(deletes=deletes))
    assert loaded(db) == [("1", 100), ("2", 2)]


def test_a_clock_ahead_is_that_of_the_zone_that_a_text_names(sqlite: Db) -> None:
    sqlite.run(
        "create table i (id integer, total integer, touched text)",
        "insert into i values (1, 1, '2026-03-01T05:00:00-05:00')",
        "insert into i values (2, 2, '2099-01-01T05:00:00-05:00')",
    )
    sqlite.settings["as_of"] = "2026-03-01T12:00:00"
    sqlite.load(invoices(deletes="none"))
    sqlite.run("update i set total = 100, touched = '2026-03-01T06:59:00-05:00' where id = 1")
    sqlite.load(invoices(deletes="none"))
    assert loaded(sqlite) == [("1", 100), ("2", 2)]


@pytest.mark.parametrize(
    "stamp", ["2026-01-01 10:00", "2026-01-01T10:00Z", "2026-01-01 10:00:30", "20260101T100000"]
)
def test_rows_of_equal_stamps_in_text_are_read_without_a_lag(sqlite: Db, stamp: str) -> None:
    sqlite.run(
        "create table i (id integer, total integer, touched text)",
        f"insert into i values (1, 1, '{stamp}')",
    )
    sqlite.load(invoices(deletes="none", lag="0s"))
    sqlite.run(f"insert into i values (2, 2, '{stamp}')")
    assert sqlite.load(invoices(deletes="none", lag="0s"))["invoices"].rows_new == 1


def test_a_select_of_another_schema_is_read_whole(postgres: Db) -> None:
    for schema, factor in (("us", 1), ("eu", 1000)):
        postgres.run(f"create schema {schema}", f"set search_path = {schema}")
        postgres.run(*(it.replace("table i", f"table {schema}.i") for it in THREE[:1]))
        postgres.run(
            f"insert into {schema}.i values (1, {factor}, '2026-01-01'),"
            f" (2, {2 * factor}, '2026-02-01')"
        )
    said = invoices(**{"from": "select * from i"})
    postgres.load(said, schema="us")
    postgres.load(said, schema="eu")
    assert loaded(postgres) == [("1", 1000), ("2", 2000)]


def test_another_database_at_the_address_is_read_whole(
    sqlite: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.run(*THREE)
    sqlite.load(invoices())
    address = f"sqlite:///{tmp_path / 'production.sqlite'}"
    monkeypatch.setenv(ADDRESS, address)
    sqlite.engine = sa.create_engine(address, poolclass=sa.NullPool)
    sqlite.run(*THREE, "update i set total = total * 1000")
    sqlite.load(invoices())
    assert loaded(sqlite) == [("1", 1000), ("2", 2000), ("3", 3000)]


def test_a_database_that_was_restored_is_read_whole(db: Db) -> None:
    """Its rows have the values, and the stamps, that they had before."""
    db.run(*THREE)
    db.load(invoices())
    db.run("update i set total = 99, touched = '2026-03-01 10:00:00' where id = 1")
    db.load(invoices())
    assert loaded(db)[0] == ("1", 99)
    db.run("update i set total = 1, touched = '2026-01-01 10:00:00' where id = 1")
    db.load(invoices())
    assert loaded(db)[0] == ("1", 1)
    assert db.load(invoices())["invoices"].rows_read is None, "an increment again"


def test_deals_are_checked_against_the_stages_that_there_are_now(db: Db) -> None:
    db.run(
        "create table s (name varchar(9), nr integer, kind varchar(9))",
        "insert into s values ('A', 1, 'open'), ('C', 3, 'won')",
        "create table d (id integer, stage varchar(9), touched timestamp)",
        "insert into d values (1, 'A', '2026-01-01 10:00:00'), (2, 'B', '2026-01-01 10:00:00'),"
        " (3, 'C', '2026-02-01 10:00:00')",
    )
    entities = {
        # Stages come after the deals that need them.
        "opportunities": {
            "from": "d",
            "cursor": "touched",
            "deletes": "keys",
            "columns": {"source_id": "id", "stage": "stage", "created_at": "'2026-01-01'"},
        },
        "pipeline_stages": {
            "from": "s",
            "columns": {"stage": "name", "stage_order": "nr", "status": "kind"},
        },
    }
    assert db.load(entities)["opportunities"].rows_rejected == 1
    db.run("insert into s values ('B', 2, 'open')")
    assert db.load(entities)["opportunities"].rows_rejected == 0
    known = db.latest("opportunities", "source_id", "stage")
    assert known == [("1", "A"), ("2", "B"), ("3", "C")]
    assert db.load(entities)["opportunities"].rows_read is None, "an increment again"


@pytest.mark.parametrize("type_", ["numeric", "numeric(9, 3)", "float"])
def test_a_number_as_text_is_the_same_whatever_rows_are_beside_it(db: Db, type_: str) -> None:
    db.run(
        f"create table i (id integer, total integer, deal {type_}, touched timestamp)",
        "insert into i values (1, 1, 1.5, '2026-01-01 10:00:00'),"
        " (2, 2, 2.25, '2026-01-01 10:00:00'), (3, 3, 4, '2026-02-01 10:00:00')",
    )
    said = invoices(columns={**COLUMNS, "opportunity_id": "deal"})
    db.load(said)
    db.run("update i set total = 100, touched = '2026-03-01 10:00:00' where id = 1")
    db.load(said)
    known = db.latest("invoices", "source_id", "total", "opportunity_id")
    assert known == first_load(db, said, "invoices", "source_id", "total", "opportunity_id")


def test_ids_are_the_same_whatever_rows_are_beside_them(db: Db) -> None:
    """Of a number without a scale, one with more decimals makes new ids of all: all are read."""
    db.run(
        "create table i (id numeric, total integer, touched timestamp)",
        "insert into i values (1, 1, '2026-01-01 10:00:00'), (2.5, 2, '2026-01-01 10:00:00'),"
        " (3, 3, '2026-02-01 10:00:00')",
    )
    db.load(invoices())
    db.run("update i set total = 100, touched = '2026-03-01 10:00:00' where id = 1")
    assert db.load(invoices())["invoices"].rows_changed == 1
    known = loaded(db)
    assert known == first_load(db, invoices(), "invoices", "source_id", "total")
    db.run("insert into i values (4.125, 4, '2026-03-01 10:00:00')")
    db.load(invoices(), force=True)
    known = loaded(db)
    assert known == first_load(db, invoices(), "invoices", "source_id", "total")


def test_ids_that_repeat_are_told_however_far_apart_they_were_written(db: Db) -> None:
    db.run(*THREE)
    db.load(invoices())
    db.run("insert into i values (1, 50, '2026-04-01 10:00:00')")
    assert db.load(invoices())["invoices"].rows_rejected == 1
    assert loaded(db) == [("1", 1), ("2", 2), ("3", 3)]
    assert [it["reason"] for it in db.rejected()] == ["source_id = 1: repeated"]


def test_a_cursor_of_another_kind_than_before_reads_everything(sqlite: Db) -> None:
    sqlite.run(
        "create table i (id integer, total integer, touched)",
        "insert into i values (1, 1, 5), (2, 2, 10)",
    )
    sqlite.load(invoices(lag=2))
    sqlite.run(
        "update i set touched = '2026-01-0' || id", "insert into i values (3, 3, '2026-02-01')"
    )
    sqlite.load(invoices())
    assert loaded(sqlite) == [("1", 1), ("2", 2), ("3", 3)]


def test_a_column_without_a_value_has_the_type_that_the_database_tells(postgres: Db) -> None:
    """In an increment as in a first load: else no function of moments would be understood."""
    postgres.run(
        "create table i (id integer, total integer, due timestamp, paid date, touched timestamptz)",
        "insert into i values (1, 1, null, null, '2026-01-01')",
    )
    columns = {
        **COLUMNS,
        "due_at": "date_trunc('day', due) + interval 1 day",
        "paid_at": "paid + interval 1 day",
    }
    assert postgres.load(invoices(columns=columns))["invoices"].rows == 1
    postgres.run("insert into i values (2, 2, '2026-01-05', '2026-01-07', '2026-02-01')")
    postgres.load(invoices(columns=columns))
    postgres.run("insert into i values (3, 3, null, null, '2026-03-01')")
    assert postgres.load(invoices(columns=columns))["invoices"].rows == 3


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (["2026-01-31 10:00:00", "2026-02-01 00:00:00"], "2026-03-01 00:00:00"),
        (["2026-01-31 00:00:00", "2026-02-01 00:00:00"], "2026-03-01 10:00:00"),
    ],
)
def test_days_and_moments_are_told_by_all_rows(db: Db, first: list[str], then: str) -> None:
    """A midnight of UTC is the day before in New York, unless all are midnights, thus days."""
    db.settings["timezone"] = "America/New_York"
    db.run(
        "create table i (id integer, total integer, issued timestamp, touched timestamp)",
        f"insert into i values (1, 1, '{first[0]}', '2026-01-01 10:00:00'),"
        f" (2, 2, '{first[1]}', '2026-02-01 10:00:00')",
    )
    said = invoices(columns={**COLUMNS, "issued_at": "issued"})
    db.load(said, timezone="UTC")
    db.run(f"insert into i values (3, 3, '{then}', '2026-03-02 10:00:00')")
    db.load(said, timezone="UTC")
    known = db.latest("invoices", "source_id", "issued_at")
    assert known == first_load(db, said, "invoices", "source_id", "issued_at", timezone="UTC")
    db.run("insert into i values (4, 4, '2026-03-03 11:00:00', '2026-03-03 12:00:00')")
    assert db.load(said, timezone="UTC")["invoices"].rows_read is None, "an increment again"


def test_a_known_record_whose_row_is_rejected_counts_once(db: Db) -> None:
    """Else the next reading of all rows would look as if most of them were gone."""
    db.run(
        "create table i (id integer, total varchar(9), touched timestamp)",
        *(f"insert into i values ({n}, '{n}', '2026-01-01 10:00:00')" for n in range(10)),
    )
    db.load(invoices())
    db.run("update i set total = 'x', touched = '2026-02-01 10:00:00' where id < 4")
    part = db.load(invoices())["invoices"]
    assert (part.rows, part.rows_rejected) == (6, 4)
    db.run("alter table i add column note integer")
    whole = db.load(invoices())["invoices"]
    assert (whole.rows, whole.rows_rejected) == (6, 4)


def test_amounts_are_right_where_all_rows_are_read_after_an_increment(postgres: Db) -> None:
    """Both are set down in one file, one after the other, and read over one connection."""
    postgres.run(
        "create table i (id integer, total numeric, touched timestamp)",
        "insert into i values (1, 119.00, '2026-01-05 12:00:00')",
        "insert into i select n, 1, '2026-01-06 12:00:00' from generate_series(4, 7) as n",
        "insert into i values (2, 11.9, '2026-01-07 12:00:00')",
    )
    postgres.load(invoices())
    postgres.run("delete from i where id = 1", "insert into i values (3, 7.25, '2026-01-02')")
    postgres.load(invoices())
    found = {
        id_: str(total.normalize())
        for id_, total in postgres.latest("invoices", "source_id", "total")
    }
    assert found == {"2": "11.9", "3": "7.25", "4": "1", "5": "1", "6": "1", "7": "1"}
