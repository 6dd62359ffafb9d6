"""A real PostgreSQL that changes while and between loads: schemas, writers, lost connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest

from dagster_project.run.clock import now
from ingestion.company.settings import Company
from ingestion.errors import SourceError
from ingestion.pipeline import load_source
from ingestion.sources.sql import extraction
from tests.compiled_models import CompiledModels
from tests.sql.ledger import ADDRESS, Database, Ledger, invoices, source

PACE = """
create table pace (seconds double precision);
insert into pace values (0);
create function paced() returns int language plpgsql volatile as $$
begin perform pg_sleep((select seconds from pace)); return 0; end $$;
"""
"""`paced()` waits as long as the table says: what reads many rows by it, reads slowly."""
SLOWLY = "select *, paced() as waited from ar_invoice"
LINES = {
    "from": "line",
    "columns": {"source_id": "id", "invoice_id": "doc", "amount": "net"},
}
LATER = "2024-05-02 12:00:00+00"


def whole(mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping without a cursor: all is read."""
    return {key: value for key, value in mapping.items() if key not in ("cursor", "deletes")}


def test_a_renamed_column_is_named_and_nothing_is_loaded(
    database: Database, ledger: Ledger
) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=invoices())
    before = ledger.warehouse.read_bytes()
    database.run("alter table ar_invoice rename gross to gross_amount")
    with pytest.raises(SourceError) as error:
        ledger.load(invoices=invoices())
    assert "erp" in str(error.value)
    assert "invoices" in str(error.value)
    assert "gross" in str(error.value)
    assert ledger.warehouse.read_bytes() == before
    columns = {**invoices()["columns"], "total": "gross_amount"}
    ledger.load(invoices=invoices(columns=columns))
    assert ledger.known() == {n: Decimal(100) for n in "123"}


@pytest.mark.parametrize("type_", ["double precision", "text", "numeric(30, 6)", "bigint"])
def test_a_column_of_another_type_gives_the_same_values(
    database: Database, ledger: Ledger, type_: str
) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=invoices())
    database.run(f"alter table ar_invoice alter gross type {type_}")
    load = ledger.load(invoices=invoices())["invoices"]
    assert (load.rows_changed, load.rows_deleted, load.rows_rejected) == (0, 0, 0)
    assert ledger.known() == {n: Decimal(100) for n in "123"}


def test_what_is_no_number_any_more_is_rejected_and_keeps_its_last_value(
    database: Database, ledger: Ledger
) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=invoices())
    database.run(
        "alter table ar_invoice alter gross type text",
        f"update ar_invoice set gross = 'a lot', changed_at = '{LATER}' where no = 2",
        f"update ar_invoice set gross = '70', changed_at = '{LATER}' where no = 3",
    )
    load = ledger.load(invoices=invoices())["invoices"]
    assert (load.rows_changed, load.rows_rejected) == (1, 1)
    assert ledger.known() == {"1": Decimal(100), "2": Decimal(100), "3": Decimal(70)}
    [rejected] = ledger.rows("select source_id, reason from raw_sql.rejected")
    assert rejected["source_id"] == "2"
    assert "a lot" in rejected["reason"]


def test_a_row_that_was_rejected_is_loaded_once_it_is_right(
    database: Database, ledger: Ledger
) -> None:
    database.run("alter table ar_invoice alter gross type text")
    database.invoice(1, gross="none")
    database.invoice(2)
    assert ledger.load(invoices=invoices())["invoices"].rows_rejected == 1
    assert ledger.load(invoices=invoices())["invoices"].rows_rejected == 1
    database.run(f"update ar_invoice set gross = '5', changed_at = '{LATER}' where no = 1")
    assert ledger.load(invoices=invoices())["invoices"].rows_rejected == 0
    assert ledger.known() == {"1": Decimal(5), "2": Decimal(100)}


@pytest.mark.parametrize("mapping", [invoices(), whole(invoices())], ids=["cursor", "whole"])
def test_a_table_that_is_gone_is_no_empty_one(
    database: Database, ledger: Ledger, mapping: dict[str, Any]
) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=mapping)
    before = ledger.warehouse.read_bytes()
    database.run("drop table ar_invoice")
    with pytest.raises(SourceError, match="ar_invoice"):
        ledger.load(invoices=mapping)
    assert ledger.warehouse.read_bytes() == before
    assert ledger.known().keys() == {"1", "2", "3"}


def test_an_emptied_table_is_refused_as_an_export_that_shrank(
    database: Database, ledger: Ledger
) -> None:
    database.invoice(1, 50)
    ledger.load(invoices=whole(invoices()))
    database.run("delete from ar_invoice where no > 5")
    with pytest.raises(SourceError, match="FORCE=1"):
        ledger.load(invoices=whole(invoices()))
    assert len(ledger.known()) == 50
    ledger.report(force=True, invoices=whole(invoices()))
    assert len(ledger.known()) == 5


@pytest.fixture
def slow(database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What has been loaded once, and is read slowly from now on: 400 invoices, and a line."""
    monkeypatch.setattr(extraction, "PAUSE", 0)
    database.run(PACE, "create table line (id bigint, doc bigint, net numeric(18, 2))")
    entities = {"invoices": invoices(**{"from": SLOWLY}), "invoice_lines": LINES}
    database.invoice(1, 5)
    ledger.load(**entities)
    database.invoice(6, 400)
    database.run("insert into line values (1, 1, 5)", "update pace set seconds = 0.003")
    return entities


def test_a_connection_that_drops_again_and_again_leaves_nothing_half_written(
    database: Database, ledger: Ledger, slow: dict[str, Any]
) -> None:
    before = ledger.warehouse.read_bytes()
    with cutting(database) as cut, pytest.raises(SourceError) as error:
        ledger.load(**slow)
    assert len(cut) == extraction.ATTEMPTS
    assert "connection was lost" in str(error.value)
    assert "c4nary" not in str(error.value)
    assert ledger.warehouse.read_bytes() == before
    database.run("update pace set seconds = 0")
    loads = ledger.load(**slow)
    assert (loads["invoices"].rows_new, loads["invoice_lines"].rows_new) == (395, 1)
    assert len(ledger.known()) == 400


def test_after_a_connection_that_drops_once_all_is_read_anew(
    database: Database, ledger: Ledger, slow: dict[str, Any]
) -> None:
    with cutting(database, times=1) as cut:
        loads = ledger.load(**slow)
    assert len(cut) == 1
    assert (loads["invoices"].rows_new, loads["invoice_lines"].rows_new) == (395, 1)
    assert len(ledger.known()) == 400
    assert len(ledger.rows("select * from raw_sql.invoices")) == 400


@contextmanager
def cutting(database: Database, times: int = 99) -> Iterator[list[int]]:
    """End sessions that read invoices, each a moment after it has begun; those that were ended."""
    cut: list[int] = []
    is_over = Event()

    def watch() -> None:
        with database.connected() as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while len(cut) < times and not is_over.wait(0.05):
                cursor.execute(
                    "select pid, pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid() "
                    "and state = 'active' and (query ilike '%paced%' or query ilike 'fetch %') "
                    "and query_start < clock_timestamp() - interval '0.3 seconds'"
                )
                cut.extend(pid for pid, _ in cursor.fetchall() if pid not in cut)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield cut
    finally:
        is_over.set()
        thread.join()


def test_several_tables_are_read_as_of_one_moment(database: Database, ledger: Ledger) -> None:
    """Somebody writes an invoice with its three lines, again and again, while they are read."""
    database.run(PACE, "create table line (id bigserial, doc bigint, net numeric(18, 2))")
    database.invoice(1, 100)
    database.run("insert into line (doc, net) select no, 1 from ar_invoice, generate_series(1, 3)")
    database.run("update pace set seconds = 0.005")
    entities = {
        "invoices": whole(invoices(**{"from": SLOWLY})),
        "invoice_lines": {**LINES, "from": "select *, paced() as waited from line"},
    }
    with writing(database):
        ledger.load(**entities)
    [(written,)] = database.ask("select count(*) from ar_invoice")
    known = ledger.known()
    assert 100 <= len(known) < written
    lines = ledger.rows("select invoice_id, count(*) as n from raw_sql.invoice_lines group by all")
    assert {row["invoice_id"]: row["n"] for row in lines} == dict.fromkeys(known, 3)


@contextmanager
def writing(database: Database) -> Iterator[None]:
    """Invoices with their lines are committed, one after the other, while the context lasts."""
    is_over = Event()

    def write() -> None:
        with database.connected() as connection, connection.cursor() as cursor:
            for number in range(1_000, 9_999):
                if is_over.wait(0.005):
                    return
                cursor.execute(
                    "insert into ar_invoice values (%s, 7, '2024-05-01', 'open', 3, now())",
                    [number],
                )
                cursor.execute(
                    "insert into line (doc, net) select %s, 1 from generate_series(1, 3)", [number]
                )
                connection.commit()

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_reading_writes_nothing_to_the_database(database: Database, ledger: Ledger) -> None:
    """The transaction only reads, whatever a SELECT calls."""
    database.run(
        "create table trace (at timestamptz)",
        "create function traced() returns int language sql volatile as "
        "$$ insert into trace values (now()); select 1 $$",
    )
    database.invoice(1)
    with pytest.raises(SourceError, match="read-only"):
        ledger.load(invoices=invoices(**{"from": "select *, traced() as t from ar_invoice"}))
    assert database.ask("select count(*) from trace") == [(0,)]


def test_no_connection_stays_open(database: Database, ledger: Ledger) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=invoices())
    others = "select count(*) from pg_stat_activity where datname = current_database()"
    assert database.ask(f"{others} and pid <> pg_backend_pid()") == [(0,)]


def two(ledger: Ledger) -> Company:
    """A company with the invoices of two subsidiaries."""
    customers = {"from": "select distinct customer from ar_invoice"}
    customers["columns"] = {"source_id": "customer"}  # type: ignore[assignment]
    return ledger.company(
        *(
            source(
                name, address=f"{ADDRESS}_{name.upper()}", provides={"invoices": name},
                invoices=invoices(deletes="keys"), customers=customers,
            )
            for name in ("us", "emea")
        )
    )  # fmt: skip


def test_rows_of_one_id_in_two_databases_are_two_records(
    new_database: Callable[[], Database], ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = {name: new_database() for name in ("us", "emea")}
    for name, database in databases.items():
        monkeypatch.setenv(f"{ADDRESS}_{name.upper()}", database.url)
        database.invoice(1, 9, gross=100 if name == "us" else 7)
    company = two(ledger)

    def load() -> list[tuple[int, int, int]]:
        reports = [load_source(company, one) for one in company.sources]
        loads = [t for report in reports for t in report.tables if t.entity == "invoices"]
        return [(t.rows_new, t.rows_changed, t.rows_deleted) for t in loads]

    assert load() == [(9, 0, 0), (9, 0, 0)]
    databases["emea"].run(
        "delete from ar_invoice where no = 3",
        f"update ar_invoice set gross = 8, changed_at = '{LATER}' where no = 1",
    )
    assert load() == [(0, 0, 0), (0, 1, 1)]
    moment = now()
    CompiledModels.of(company).build(moment, moment, ("fct_invoices",))
    found = ledger.rows(
        "select source_instance, invoice_id, total_native from marts.fct_invoices order by all"
    )
    assert [tuple(row.values()) for row in found] == [
        *(("emea", str(no), Decimal(8 if no == 1 else 7)) for no in range(1, 10) if no != 3),
        *(("us", str(no), Decimal(100)) for no in range(1, 10)),
    ]
    ids = ledger.rows("select count(distinct invoice_key) as ids from marts.fct_invoices")
    assert ids == [{"ids": 17}]
