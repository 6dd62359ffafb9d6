"""Wrong settings give one clear error before anything is written, and never the address."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingestion.errors import CompanyError, SourceError
from ingestion.sources.sql import extraction
from tests.sql.databases import ADDRESS, CANARY, Db

COLUMNS = {
    "source_id": "id",
    "customer_id": "'c'",
    "issued_at": "'2026-01-01'",
    "total": "total",
    "currency": "'EUR'",
    "status": "'open'",
}
BILLS = {"invoices": {"from": "bills", "columns": COLUMNS}}


def bills(**more: Any) -> dict[str, Any]:
    return {"invoices": {"from": "bills", "columns": COLUMNS, **more}}


@pytest.fixture
def filled(db: Db) -> Db:
    db.run(
        "create table bills (id integer, total integer, touched timestamp)",
        "insert into bills values (1, 5, '2026-03-01 10:00:00')",
    )
    return db


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cursor": "touched"}, "'deletes' is missing.*Write deletes: keys"),
        ({"deletes": "keys"}, "'lag' and 'deletes' go with 'cursor'"),
        ({"lag": "1h"}, "'lag' and 'deletes' go with 'cursor'"),
        ({"cursor": "t", "deletes": "all"}, "no way to learn of deletions"),
        ({"cursor": "t", "deletes": "none", "lag": "soon"}, "not a lag; write a number and s, m"),
        ({"cursor": "t", "deletes": "none", "lag": -1}, "not a lag"),
        ({"cursor": "t", "deletes": "none", "export": "partial"}, "'export' goes without it"),
        ({"cursor": "t", "deletes": "none", "spread": {"from": "a", "to": "b"}}, "another shape"),
        ({"cursor": "t", "deletes": "none", "also": [{"from": "b"}]}, "'cursor' is of one 'from'"),
        ({"options": {"delimiter": ";"}}, "'options' are of files"),
        ({"columns": {**COLUMNS, "totl": "total"}}, "unknown column of invoices"),
        ({"columns": {**COLUMNS, "total": "sum("}}, "not an SQL expression"),
        ({"from": "delete from bills"}, "not a SELECT; a source only reads"),
        ({"from": " "}, "empty; give the name of a table"),
    ],
)
def test_settings_that_cannot_be(sqlite: Db, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(CompanyError, match=said):
        sqlite.company(bills(**settings))


def test_an_id_is_needed_to_know_what_has_changed(sqlite: Db) -> None:
    columns = {name: sql for name, sql in COLUMNS.items() if name != "source_id"}
    with pytest.raises(CompanyError, match=r"columns\.source_id is missing"):
        sqlite.company(bills(columns=columns, cursor="touched", deletes="keys"))


def test_what_others_are_checked_against_is_read_whole(sqlite: Db) -> None:
    stages = {
        "from": "s",
        "columns": {"source_id": "i", "stage": "s", "sort_order": "n", "category": "'open'"},
        "cursor": "t",
        "deletes": "keys",
    }
    deals = {"from": "d", "columns": {"source_id": "i", "stage": "s", "created_at": "c"}}
    with pytest.raises(CompanyError, match="opportunities need all rows of pipeline_stages"):
        sqlite.company({"pipeline_stages": stages, "opportunities": deals})


def test_an_address_in_the_company_file_is_refused_and_not_shown(sqlite: Db) -> None:
    with pytest.raises(CompanyError, match="the address itself belongs into") as raised:
        sqlite.company(BILLS, address_env=f"postgresql://db.internal/erp?password={CANARY}")
    assert CANARY not in str(raised.value)
    assert "db.internal" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", f"the environment variable {ADDRESS} is not set; it holds the database's address"),
        ("c4nary", f"what {ADDRESS} holds is not an address such as"),
        ("postgresql://u:c4nary@h:port/d", f"what {ADDRESS} holds is not an address such as"),
        ("nosuch://u:c4nary@h/d", "a database or driver that SQLAlchemy does not know"),
        ("mysql://u:c4nary@h/d", "is of mysql, whose driver is not installed"),
        ("postgresql://u:c4nary@127.0.0.1:1/d", "nothing answers at that host and port"),
        ("postgres://u:c4nary@no.such.host.invalid/d", "no host of that name is known"),
        ("sqlite:////c4nary/erp.sqlite", "there is no such database"),
    ],
)
def test_addresses_that_lead_nowhere(
    sqlite: Db, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv(ADDRESS, address)
    with pytest.raises(SourceError, match=said) as raised:
        sqlite.load(BILLS)
    (told,) = raised.value.problems
    assert "c4nary" not in told
    assert "no.such.host" not in told
    assert not list((sqlite.root / "data").rglob("*.parquet"))
    assert sqlite.check(BILLS).problems


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.set(password=f"{CANARY}x"), "it refuses the user or the password"),
        (lambda url: url.set(username="nobody"), "it refuses the user or the password"),
        (lambda url: url.set(database="nothing"), "there is no such database"),
    ],
)
def test_a_server_that_refuses(
    postgres: Db,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[sa.URL], sa.URL],
    said: str,
) -> None:
    url = change(postgres.engine.url)
    monkeypatch.setenv(ADDRESS, url.render_as_string(hide_password=False))
    with pytest.raises(SourceError, match=said) as raised:
        postgres.load(BILLS)
    assert not re.search(r"c4nary|nobody|nothing\b.*exist|/tmp/pg", str(raised.value))


def test_a_user_that_may_not_read_is_told_which_table(
    postgres: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.run("create table bills (id integer, total integer)")
    postgres.run(f"create role reader login password '{CANARY}'")
    url = postgres.engine.url.set(username="reader")
    monkeypatch.setenv(ADDRESS, url.render_as_string(hide_password=False))
    try:
        with pytest.raises(SourceError, match="permission denied for table bills"):
            postgres.load(BILLS)
    finally:
        postgres.run("drop role reader")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"cursor": "touchd"},
            "cursor = 'touchd': no such column in bills; did you mean 'touched'",
        ),
        ({"columns": {**COLUMNS, "source_id": "1"}}, "names no column of bills"),
        ({"deletes": {"history": "gone"}}, "no table or view 'gone'"),
        ({"deletes": {"history": "select 1 as x"}}, "has no column 'id', of which source_id"),
    ],
)
def test_increments_that_cannot_be_read(filled: Db, settings: dict[str, Any], said: str) -> None:
    entities = bills(**{"cursor": "touched", "deletes": "keys", **settings})
    with pytest.raises(SourceError, match=said):
        filled.load(entities)


def test_a_text_that_is_no_time_is_no_cursor(sqlite: Db) -> None:
    sqlite.run("create table bills (id integer, total integer, touched text)")
    sqlite.run("insert into bills values (1, 5, '1.3.2026')")
    with pytest.raises(SourceError, match="is no date or time in ISO 8601"):
        sqlite.load(bills(cursor="touched", deletes="none"))


def test_a_mapped_column_that_is_gone_is_an_error_and_a_new_one_harmless(filled: Db) -> None:
    filled.load(BILLS)
    filled.run("alter table bills add column extra integer")
    load = filled.load(BILLS)["invoices"]
    assert (load.rows, load.rows_new, load.rows_changed) == (1, 0, 0)
    filled.run("alter table bills rename column total to amount")
    with pytest.raises(SourceError, match="no column is called 'total'"):
        filled.load(BILLS)
    assert len(filled.latest("invoices", "total")) == 1


def test_a_column_taken_by_its_name_that_is_gone_is_an_error(filled: Db) -> None:
    entities = {
        "customers": {"from": "select id as source_id, 'A' as name, total as email from bills"}
    }
    filled.load(entities)
    entities["customers"]["from"] = "select id as source_id, 'A' as name from bills"
    with pytest.raises(SourceError, match="has no column 'email' any more"):
        filled.load(entities)
    assert len(filled.latest("customers", "email")) == 1


def test_a_schema_change_reads_everything_once(filled: Db) -> None:
    entities = bills(cursor="touched", deletes="none")
    filled.load(entities)
    filled.run("insert into bills values (2, 5, '2026-04-01 10:00:00')")
    filled.load(entities)
    filled.run("alter table bills add column extra integer", "update bills set total = 9")
    assert filled.load(entities)["invoices"].rows_changed == 2
    filled.run("update bills set total = 11")
    assert filled.load(entities)["invoices"].rows_changed == 1


def test_most_keys_gone_at_once_is_refused(filled: Db) -> None:
    filled.run(*(f"insert into bills values ({it}, 1, null)" for it in range(2, 12)))
    entities = bills(cursor="touched", deletes="keys")
    filled.load(entities)
    filled.run("delete from bills where id > 3")
    with pytest.raises(SourceError, match="the export has 3 rows, the last one had 11"):
        filled.load(entities)
    assert filled.load(entities, force=True)["invoices"].rows_deleted == 8


def test_a_connection_that_drops_is_read_anew(
    postgres: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "PAUSE", 0)
    postgres.run("create table bills (id integer, total integer)")
    postgres.run("insert into bills values (1, 5)")
    real, cuts = extraction.stage, []

    def cut(*arguments: Any) -> int:
        if len(cuts) < 2:
            cuts.append(1)
            postgres.run(
                "select pg_terminate_backend(pid) from pg_stat_activity where "
                "datname = current_database() and pid <> pg_backend_pid()"
            )
        return real(*arguments)

    monkeypatch.setattr(extraction, "stage", cut)
    assert postgres.load(BILLS)["invoices"].rows == 1
    cuts.clear()
    monkeypatch.setattr(extraction, "ATTEMPTS", 1)
    with pytest.raises(SourceError, match="the connection was lost while it was read"):
        postgres.load({"invoices": {**BILLS["invoices"], "export": "partial"}})


def test_all_tables_are_of_one_moment(postgres: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.run(
        "create table bills (id integer, total integer)",
        "create table buyers (id integer, name text)",
        "insert into bills values (1, 5)",
        "insert into buyers values (1, 'A')",
    )
    real = extraction.stage

    def later(*arguments: Any) -> int:
        found = real(*arguments)
        postgres.run("insert into buyers values (2, 'B')", "update bills set total = 6")
        return found

    monkeypatch.setattr(extraction, "stage", later)
    buyers = {"from": "buyers", "columns": {"source_id": "id", "name": "name"}}
    loads = postgres.load({**BILLS, "customers": buyers})
    assert (loads["invoices"].rows, loads["customers"].rows) == (1, 1)


def test_a_source_only_reads(postgres: Db) -> None:
    postgres.run(
        "create table bills (id integer, total integer)",
        "insert into bills values (1, 5)",
        "create function spend() returns integer language sql as "
        "'update bills set total = 0 returning total'",
    )
    with pytest.raises(SourceError, match="read-only transaction"):
        postgres.load(bills(**{"from": "select id, spend() as total from bills"}))
    with postgres.engine.connect() as connection:
        assert connection.exec_driver_sql("select total from bills").scalar() == 5


@pytest.mark.usefixtures("through_dlt")
def test_the_address_is_in_no_file_and_no_log(
    postgres: Db, logs: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    postgres.run("create table bills (id integer, total integer, touched timestamp)")
    postgres.run("insert into bills values (1, 5, now())")
    entities = bills(cursor="touched", deletes="keys")
    postgres.load(entities)
    postgres.run("update bills set total = 6")
    postgres.load(entities)
    postgres.check(entities)
    with pytest.raises(SourceError):
        postgres.load(bills(**{"from": "select nothing from bills"}))
    socket = str(postgres.engine.url.query["host"])
    secrets = [CANARY, "c4nary", socket, str(postgres.engine.url.database)]
    texts = [*capfd.readouterr(), *(record.getMessage() for record in logs.records)]
    for path in filter(Path.is_file, postgres.root.rglob("*")):
        texts.append(path.read_bytes().decode("latin-1"))
    for secret in secrets:
        assert not [text for text in texts if secret in text], secret
