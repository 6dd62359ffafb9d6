"""Increments of a real PostgreSQL: late commits, equal stamps, deletions, and how much is read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.sql.ledger import NOON, Database, Ledger, counted, invoices

LATER = "2024-05-01 12:00:20+00"
INSERT = "insert into ar_invoice values ({}, 7, '2024-05-01', 'open', 100, '{}')"


def test_a_row_that_commits_late_is_loaded(database: Database, ledger: Ledger) -> None:
    """Its stamp is older than the newest one that was seen when it was not to be seen yet."""
    with database.connected() as slow:
        slow.cursor().execute(INSERT.format(1, NOON))
        database.invoice(2, at=LATER)
        ledger.load(invoices=invoices(lag="1m"))
        assert ledger.known().keys() == {"2"}
        slow.commit()
    assert ledger.load(invoices=invoices(lag="1m"))["invoices"].rows_new == 1
    assert ledger.known().keys() == {"1", "2"}


def test_the_lag_is_what_finds_it(database: Database, ledger: Ledger) -> None:
    """Where nothing compares keys, a row later than the lag stays unknown until it changes."""
    database.invoice(2, at=LATER)
    ledger.load(invoices=invoices(lag="10s"))
    database.invoice(1, at=NOON)
    ledger.load(invoices=invoices(lag="10s"))
    assert ledger.known().keys() == {"2"}
    database.run("update ar_invoice set changed_at = '2024-05-01 12:00:30+00' where no = 1")
    ledger.load(invoices=invoices(lag="10s"))
    assert ledger.known().keys() == {"1", "2"}


def test_rows_of_equal_stamps_are_all_loaded_even_without_a_lag(
    database: Database, ledger: Ledger
) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=invoices(lag="0s"))
    database.invoice(4, 5)
    database.run("update ar_invoice set gross = 90 where no = 2")
    load = ledger.load(invoices=invoices(lag="0s"))["invoices"]
    assert (load.rows_new, load.rows_changed) == (2, 1)
    assert ledger.known() == {n: Decimal(90 if n == "2" else 100) for n in "12345"}


def test_an_increment_reads_the_day_and_not_the_history(database: Database, ledger: Ledger) -> None:
    database.run(
        "insert into ar_invoice select n, 7, '2024-01-01', 'open', 100, "
        "timestamptz '2024-01-01 12:00+00' + n * interval '1 hour' from generate_series(1, 2400) n"
    )
    assert ledger.load(invoices=invoices(lag="2h"))["invoices"].rows_read == 2400
    database.run(
        "insert into ar_invoice select n, 7, '2024-05-01', 'open', 100, "
        "timestamptz '2024-01-01 12:00+00' + n * interval '1 hour' "
        "from generate_series(2401, 2424) n",
        "update ar_invoice set state = 'paid', changed_at = "
        "timestamptz '2024-01-01 12:00+00' + 2424 * interval '1 hour' where no = 17",
    )
    with counted() as read:
        load = ledger.load(invoices=invoices(lag="2h"))["invoices"]
    day, changed, in_the_lag = 24, 1, 3
    assert read == {"invoices": day + changed + in_the_lag}
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (day, changed, 0)
    [paid] = ledger.rows(
        "select status from raw_sql.invoices where source_id = '17' and status = 'paid'"
    )
    assert paid
    again = ledger.load(invoices=invoices(lag="2h"))["invoices"]
    assert (again.rows_new, again.rows_changed, again.rows_deleted) == (0, 0, 0)
    assert len(ledger.known()) == 2424


def test_the_database_itself_says_that_few_rows_were_read(
    database: Database, ledger: Ledger
) -> None:
    """By an index on the stamps, as the statistics of the server have it."""
    database.run("create index on ar_invoice (changed_at)")
    database.invoice(1, 20_000, at="2024-04-01 12:00:00+00")
    database.invoice(20_001, 20_010)
    database.run("analyze ar_invoice")
    ledger.load(invoices=invoices())
    database.run("select pg_stat_reset()")
    ledger.load(invoices=invoices())
    [(read,)] = database.ask(
        "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables"
    )
    assert read <= 100


@pytest.mark.parametrize("way", ["keys", "history"])
def test_deleted_rows_are_deleted_and_come_back(
    database: Database, ledger: Ledger, way: str
) -> None:
    database.run("create table gone (no bigint, gone_at timestamptz)")
    deletes = "keys" if way == "keys" else {"history": "gone"}
    mapping = invoices(deletes=deletes, lag="1m")
    database.invoice(1, 12)
    ledger.load(invoices=mapping)
    kept = {str(number) for number in (1, *range(4, 13))}
    database.run(
        "delete from ar_invoice where no in (2, 3)",
        "insert into gone values (2, now()), (3, now()), (999, now())",
    )
    load = ledger.load(invoices=mapping)["invoices"]
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (0, 0, 2)
    assert ledger.known().keys() == kept
    assert ledger.load(invoices=mapping)["invoices"].rows_deleted == 0
    database.invoice(3, at=LATER)
    if way == "history":
        database.run("delete from gone where no = 3")
    ledger.load(invoices=mapping)
    assert ledger.known().keys() == kept | {"3"}


def test_a_row_whose_key_is_in_the_history_and_that_is_there_is_there(
    database: Database, ledger: Ledger
) -> None:
    """It was entered anew, and the history, which only grows, still has its key."""
    database.run("create table gone (no bigint)", "insert into gone values (1)")
    mapping = invoices(deletes={"history": "select no from gone"})
    database.invoice(1, 2)
    ledger.load(invoices=mapping)
    assert ledger.known().keys() == {"1", "2"}
    ledger.load(invoices=mapping)
    assert ledger.known().keys() == {"1", "2"}


def test_without_deletes_a_row_that_is_gone_is_kept(database: Database, ledger: Ledger) -> None:
    database.invoice(1, 2)
    ledger.load(invoices=invoices(deletes="none"))
    database.run("delete from ar_invoice where no = 1")
    assert ledger.load(invoices=invoices(deletes="none"))["invoices"].rows_deleted == 0
    assert ledger.known().keys() == {"1", "2"}


COSTS = {
    "from": "gl_expense",
    "columns": {
        "month": "period", "category": "'tools'", "team": "centre", "amount": "amount",
        "currency": "'USD'",
    },
}  # fmt: skip
LINES = {
    "from": "line",
    "columns": {"invoice_id": "doc", "amount": "net", "product": "article"},
}


def test_a_table_without_a_key_keeps_rows_that_are_all_the_same(
    database: Database, ledger: Ledger
) -> None:
    """Two equal lines are two lines: one that goes takes one of them away."""
    database.invoice(1)
    database.run(
        "create table line (doc bigint, article text, net numeric(18, 2))",
        "insert into line select 1, 'Core', 5 from generate_series(1, 9)",
        "insert into line values (1, 'Usage', 2)",
    )
    count = "select count(*) as n, sum(amount) as total from ({}) as lines".format(
        "select amount, is_deleted, row_number() over (partition by source_id "
        "order by _dlt_load_id desc) as newest from raw_sql.invoice_lines"
    )
    count += " where newest = 1 and not is_deleted"
    ledger.load(invoices=invoices(), invoice_lines=LINES)
    assert ledger.rows(count) == [{"n": 10, "total": Decimal(47)}]
    assert ledger.load(invoices=invoices(), invoice_lines=LINES)["invoice_lines"].rows_new == 0
    database.run(
        "delete from line where ctid = (select min(ctid) from line where article = 'Core')"
    )
    load = ledger.load(invoices=invoices(), invoice_lines=LINES)["invoice_lines"]
    assert (load.rows_new, load.rows_deleted) == (0, 1)
    assert ledger.rows(count) == [{"n": 9, "total": Decimal(42)}]


def test_a_table_without_a_key_has_the_contracts_own(database: Database, ledger: Ledger) -> None:
    """Costs are of a month, a kind and a team: another amount is a change, not another cost."""
    database.run(
        "create table gl_expense (period date, centre text, amount numeric(18, 2))",
        "insert into gl_expense values ('2024-01-01', 'Sales', 10), ('2024-02-01', 'Sales', 20)",
    )
    assert ledger.load(costs=COSTS)["costs"].rows_new == 2
    database.run("update gl_expense set amount = 25 where period = '2024-02-01'")
    load = ledger.load(costs=COSTS)["costs"]
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (0, 1, 0)


def test_names_of_two_words_and_capitals_are_columns_like_others(
    database: Database, ledger: Ledger
) -> None:
    database.run(
        'create table "Customer Master" ("No." bigint, "Full Name" text, "Changed" timestamptz)',
        f"insert into \"Customer Master\" values (1, 'Ada', '{NOON}')",
    )
    customers = {
        "from": "Customer Master", "cursor": "Changed", "deletes": "keys",
        "columns": {"source_id": '"No."', "name": "Full Name", "source_updated_at": "Changed"},
    }  # fmt: skip
    assert ledger.load(customers=customers)["customers"].rows_new == 1
    database.run("insert into \"Customer Master\" values (2, 'Ben', '2024-05-02')")
    load = ledger.load(customers=customers)["customers"]
    assert (load.rows_new, load.rows_deleted) == (1, 0)


def test_after_a_changed_mapping_all_is_read(database: Database, ledger: Ledger) -> None:
    """What was read before was read otherwise."""
    database.invoice(1, 10)
    ledger.load(invoices=invoices())
    columns = {**invoices()["columns"], "total": "gross * 2"}
    load = ledger.load(invoices=invoices(columns=columns))["invoices"]
    assert load.rows_changed == 10
    assert set(ledger.known().values()) == {Decimal(200)}
