"""What a database's types become: values as they are, text where nothing else could take them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from ingestion.errors import SourceError
from tests.sql.databases import Db

CUSTOMERS = {"source_id": "id", "name": "name"}
INVOICES = {
    "source_id": "id",
    "customer_id": "'c'",
    "issued_at": "'2026-01-01'",
    "total": "total",
    "currency": "'EUR'",
    "status": "'open'",
}


def extra(db: Db, entity: str = "customers") -> list[dict[str, Any]]:
    return [json.loads(text) for (text,) in db.latest(entity, "source_extra")]


def test_awkward_types_are_text(postgres: Db) -> None:
    postgres.run(
        "create type mood as enum ('glad', 'sad')",
        "create domain cents as integer",
        """create table c (id uuid, name text, wait interval, tags text[], span int4range, doc json,
            docb jsonb, mood mood, raw bytea, at_time time, paid money, n cents, ip inet)""",
        """insert into c values ('8f14e45f-ceea-467f-8f14-e45fceea467f', 'A', '1 mon 2 days',
            '{a,b}', '[1,5)', '{"a": 1}', '{"b": 2}', 'glad', '\\x00ff', '10:20',
            12.34, 7, '10.0.0.1')""",
    )
    postgres.load({"customers": {"from": "c", "columns": CUSTOMERS}})
    ((id_,),) = postgres.latest("customers", "source_id")
    assert id_ == "8f14e45f-ceea-467f-8f14-e45fceea467f"
    (found,) = extra(postgres)
    assert found["doc"] in ('{"a": 1}', {"a": 1})
    assert {k: v for k, v in found.items() if k != "doc"} == {
        "wait": "1 mon 2 days",
        "tags": "{a,b}",
        "span": "[1,5)",
        "docb": '{"b": 2}',
        "mood": "glad",
        "raw": "\\x00ff",
        "at_time": "10:20:00",
        "paid": 12.34,
        "n": 7,
        "ip": "10.0.0.1/32",
    }


def test_numerics_without_scale_keep_every_digit(postgres: Db) -> None:
    postgres.run(
        "create table i (id numeric, total numeric)",
        "insert into i values (1, 0.000001), (2, 1234567890123.5), (3, 5), (4, 1e20), (5, -0.10)",
    )
    postgres.load({"invoices": {"from": "i", "columns": INVOICES}})
    assert postgres.latest("invoices", "source_id", "total") == [
        ("1", Decimal("0.000001")),
        ("2", Decimal("1234567890123.5")),
        ("3", Decimal(5)),
        ("4", Decimal(10) ** 20),
        ("5", Decimal("-0.1")),
    ]


def test_types_are_those_of_all_batches(postgres: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.sources.sql.database.BATCH_ROWS", 2)
    postgres.run(
        "create table i (id integer, total numeric)",
        "insert into i values (1, null), (2, null), (3, 5), (4, 12345678901234567890), (5, 0.25), "
        "(6, 1)",
    )
    postgres.load({"invoices": {"from": "select * from i order by id", "columns": INVOICES}})
    totals = dict(postgres.latest("invoices", "source_id", "total"))
    assert totals["4"] == 12345678901234567890
    assert totals["5"] == Decimal("0.25")
    assert totals["6"] == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1e30 + 1e-20", "column 'total' has numbers of 31 digits before the point and 20 behind"),
        ("'NaN'", r"column 'total' holds NaN or infinity.*nullif\(total, 'NaN'\) as total"),
    ],
)
def test_numbers_that_no_decimal_holds_name_column_and_cast(
    postgres: Db, value: str, said: str
) -> None:
    postgres.run("create table i (id integer, total numeric)", f"insert into i values (1, {value})")
    with pytest.raises(SourceError, match=said) as raised:
        postgres.load({"invoices": {"from": "i", "columns": INVOICES}})
    assert "sources.erp.entities.invoices" in str(raised.value)
    cast = (
        "select id, cast(coalesce(nullif(least(total, 100), 'NaN'), 0) as numeric(18, 6)) as total "
        "from i"
    )
    assert postgres.load({"invoices": {"from": cast, "columns": INVOICES}})["invoices"].rows == 1


def test_moments_without_a_zone_are_of_the_sources_and_days_of_the_companys(postgres: Db) -> None:
    postgres.settings["timezone"] = "America/New_York"
    postgres.run(
        "create table i (id integer, naive timestamp, aware timestamptz, day date)",
        "insert into i values (1, '2026-07-01 12:00:00.123456', '2026-07-01 12:00:00+05:30', "
        "'2026-07-01')",
    )
    columns = {**INVOICES, "total": "1"}
    seen = []
    for column in ("naive", "aware", "day"):
        entities = {"invoices": {"from": "i", "columns": {**columns, "issued_at": column}}}
        postgres.load(entities, timezone="Europe/Berlin")
        seen += [moment for (moment,) in postgres.latest("invoices", "issued_at")]
    assert seen == [
        dt.datetime(2026, 7, 1, 10, 0, 0, 123456),
        dt.datetime(2026, 7, 1, 6, 30),
        dt.datetime(2026, 7, 1, 4, 0),
    ]


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("timestamp", ("2026-03-01 10:00", "2026-03-02 10:00", "2026-03-02 09:30")),
        ("timestamptz", ("2026-03-01 10:00+01", "2026-03-02 10:00+01", "2026-03-02 08:30+00")),
        ("date", ("2026-02-20", "2026-03-02", "2026-03-02")),
    ],
)
def test_cursors_of_each_type_read_what_is_within_their_lag(
    postgres: Db, type_: str, values: tuple[str, str, str]
) -> None:
    early, last, late = values
    postgres.run(
        f"create table i (id integer, total integer, touched {type_})",
        f"insert into i values (1, 1, '{early}'), (2, 2, '{last}'), (3, 3, null)",
    )
    entities = {
        "invoices": {"from": "i", "columns": INVOICES, "cursor": "Touched", "deletes": "none"}
    }
    postgres.load(entities)
    postgres.run(
        f"insert into i values (4, 4, '{late}')",
        "update i set total = 9 where id = 3",
        "update i set total = 9 where id = 1",
    )
    load = postgres.load(entities)["invoices"]
    assert (load.rows, load.rows_new, load.rows_changed) == (4, 1, 1)
    assert dict(postgres.latest("invoices", "source_id", "total")) == {
        "1": 1,
        "2": 2,
        "3": 9,
        "4": 4,
    }


def test_a_cursor_that_is_a_number_has_a_lag_that_is_one(db: Db) -> None:
    db.run(
        "create table i (id integer, total integer, version bigint)",
        "insert into i values (1, 1, 100), (2, 2, 200)",
    )
    entities = {
        "invoices": {"from": "i", "columns": INVOICES, "cursor": "version", "deletes": "none"}
    }
    with pytest.raises(SourceError, match="cursor 'version' is a number, so its lag is one, too"):
        db.load(entities)
    entities["invoices"]["lag"] = 5
    db.load(entities)
    db.run("insert into i values (3, 3, 194), (4, 4, 195)", "update i set total = 8 where id = 1")
    load = db.load(entities)["invoices"]
    assert (load.rows_new, load.rows_changed) == (1, 0)
    entities["invoices"]["lag"] = 6  # settings have changed: all is read
    load = db.load(entities)["invoices"]
    assert (load.rows_new, load.rows_changed) == (1, 1)


def test_a_cursor_from_the_future_does_not_hide_what_comes_until_then(db: Db) -> None:
    db.run(
        "create table i (id integer, total integer, touched timestamp)",
        "insert into i values (1, 1, '2026-03-01 10:00:00'), (2, 2, '2099-01-01 00:00:00')",
    )
    entities = {
        "invoices": {"from": "i", "columns": INVOICES, "cursor": "touched", "deletes": "none"}
    }
    db.settings["as_of"] = "2026-03-01T12:00:00"
    db.load(entities)
    db.run("insert into i values (3, 3, '2026-03-01 11:30:00')")
    assert db.load(entities)["invoices"].rows_new == 1


def test_sqlite_takes_values_as_they_are_kept(sqlite: Db) -> None:
    sqlite.run(
        "create table i (id, total, odd, note blob)",
        "insert into i values (1, 10, 'x', x'00ff'), (2, 10.5, 7, null), (3, 0.1, 1.5, null)",
    )
    sqlite.load({"invoices": {"from": "i", "columns": INVOICES}})
    assert [total for (total,) in sqlite.latest("invoices", "total")] == [
        Decimal(10),
        Decimal("10.5"),
        Decimal("0.1"),
    ]
    assert [it["odd"] for it in extra(sqlite, "invoices")] == ["x", "7", "1.5"]
    assert extra(sqlite, "invoices")[0]["note"] == "00ff"
