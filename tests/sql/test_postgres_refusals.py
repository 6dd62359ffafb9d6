"""Bad settings of a real PostgreSQL: one error with the remedy, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ingestion.errors import SourceError
from ingestion.pipeline import check
from tests.sql.databases import CANARY
from tests.sql.ledger import ADDRESS, INVOICE_COLUMNS, Database, Ledger, invoices, source

WRONG_PASSWORD = "wr0ng-pa55word"


@pytest.fixture
def refused(database: Database, ledger: Ledger) -> Iterator[Any]:
    """Loads what is refused: what is told, once and for all, with nothing written."""
    ledger.empty = None
    database.invoice(1, 3)

    def load(**entities: Any) -> str:
        with pytest.raises(SourceError) as error:
            ledger.load(**entities)
        [problem] = error.value.problems
        company = ledger.company(source("erp", **entities))
        [checked] = check(company)
        assert [*checked.problems] == [problem], "make check says the same"
        return problem

    yield load
    assert not ledger.warehouse.exists()
    secrets = (CANARY, quote(CANARY, safe=""), WRONG_PASSWORD)
    for file in ledger.root.rglob("*"):
        if file.is_file():
            assert not any(secret.encode() in file.read_bytes() for secret in secrets), file


def without_secrets(problem: str) -> str:
    """The problem, of which no part of the password is told."""
    assert "c4nary" not in problem
    assert WRONG_PASSWORD not in problem
    return problem


def test_an_unset_variable(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS)
    assert ADDRESS in refused(invoices=invoices())


def test_an_unreachable_host(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, f"postgresql://tests:{WRONG_PASSWORD}@127.0.0.1:1/postgres")
    problem = without_secrets(refused(invoices=invoices()))
    assert ADDRESS in problem
    assert "nothing answers at that host and port" in problem


def test_a_host_that_there_is_not(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, f"postgresql://tests:{WRONG_PASSWORD}@no-such-host.invalid/erp")
    assert ADDRESS in without_secrets(refused(invoices=invoices()))


def test_a_wrong_password(
    refused: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, database.url.replace(quote(CANARY, safe=""), WRONG_PASSWORD))
    problem = without_secrets(refused(invoices=invoices()))
    assert ADDRESS in problem
    assert "password" in problem


def test_a_database_that_there_is_not(
    refused: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, database.url.replace("@/ledger_", "@/missing_"))
    assert ADDRESS in without_secrets(refused(invoices=invoices()))


@pytest.mark.parametrize(
    "address",
    ["c4nary", "nosuchkind://tests:c4nary@host/erp", "postgresql://tests:c4nary@host:port/erp"],
)
def test_an_address_that_is_none(
    refused: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(ADDRESS, address)
    assert ADDRESS in without_secrets(refused(invoices=invoices()))


def test_an_unknown_table_and_the_ones_there_are(refused: Any) -> None:
    problem = refused(invoices=invoices(**{"from": "ar_invoices"}))
    assert "entities.invoices" in problem
    assert "ar_invoices" in problem
    assert "did you mean 'ar_invoice'?" in problem


def test_an_unknown_column_and_the_ones_there_are(refused: Any) -> None:
    columns = {**INVOICE_COLUMNS, "total": "grose"}
    problem = refused(invoices=invoices(columns=columns))
    assert "columns.total" in problem
    assert "grose" in problem
    assert "gross" in problem


def test_an_unknown_cursor(refused: Any) -> None:
    problem = refused(invoices=invoices(cursor="changed_on"))
    assert "cursor" in problem
    assert "changed_on" in problem
    assert "changed_at" in problem


def test_an_unknown_column_in_a_select(refused: Any) -> None:
    problem = refused(invoices=invoices(**{"from": "select no, grose from ar_invoice"}))
    assert "entities.invoices" in problem
    assert "grose" in problem


def test_an_unknown_history(refused: Any) -> None:
    problem = refused(invoices=invoices(deletes={"history": "removed"}))
    assert "deletes" in problem
    assert "removed" in problem


def test_a_table_that_may_not_be_read(
    refused: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.run(f"create role reader_of_{id(database)} login password '{WRONG_PASSWORD}'")
    user, _, rest = database.url.removeprefix("postgresql://").partition(":")
    address = f"postgresql://reader_of_{id(database)}:{WRONG_PASSWORD}@{rest.partition('@')[2]}"
    assert user == "tests"
    monkeypatch.setenv(ADDRESS, address)
    problem = without_secrets(refused(invoices=invoices()))
    assert "ar_invoice" in problem
    assert "permission denied" in problem


def test_several_mistakes_are_told_at_once(database: Database, ledger: Ledger) -> None:
    with pytest.raises(SourceError) as error:
        ledger.load(
            invoices=invoices(**{"from": "ar_invoices"}),
            customers={"from": "debtor", "columns": {"source_id": "no"}},
        )
    assert len(error.value.problems) == 2


AWKWARD = """
create table awkward (
    no bigint primary key, wide numeric, term interval, tags text[], span int4range, doc jsonb,
    key uuid, at_time time, kind text, raw bytea, address inet, changed_at timestamptz
)
"""
ROW = """
insert into awkward values (
    1, {wide}, '1 mon 2 days', '{{a,b}}', '[1,5)', '{{"a": 1}}',
    '12345678-1234-5678-1234-567812345678', '10:30', 'x', '\\x00ff', '10.0.0.1', '2024-05-01'
)
"""


def test_awkward_types_are_text(database: Database, ledger: Ledger) -> None:
    database.run(AWKWARD, ROW.format(wide="1.5"))
    columns = {
        "source_id": "key",
        "name": "term || '|' || tags || '|' || span || '|' || doc",
        "domain": "at_time::varchar || '|' || address",
    }
    ledger.load(customers={"from": "awkward", "columns": columns})
    [row] = ledger.rows("select source_id, name, domain from raw_sql.customers")
    assert row["source_id"] == "12345678-1234-5678-1234-567812345678"
    term, tags, span, doc = row["name"].split("|")
    assert (term, tags, span) == ("1 mon 2 days", "{a,b}", "[1,5)")
    assert doc.replace(" ", "") == '{"a":1}'
    assert row["domain"].startswith("10:30:00|10.0.0.1")


def test_a_number_without_a_scale_is_read_exactly_or_told_to_be_cast(
    database: Database, ledger: Ledger
) -> None:
    database.run(AWKWARD, ROW.format(wide="1234.56789"))
    columns = {**INVOICE_COLUMNS, "customer_id": "no", "posted_at": None, "total": "wide"}
    columns |= {"issued_at": "changed_at", "status": "kind"}
    mapping = {"from": "awkward", "columns": {k: v for k, v in columns.items() if v}}
    ledger.load(invoices=mapping)
    assert ledger.known() == {"1": Decimal("1234.56789")}
    database.run("update awkward set wide = 1.0 / 3 + 100000000000000000000000000000000.0")
    with pytest.raises(SourceError) as error:
        ledger.load(invoices=mapping)
    problem = str(error.value)
    assert "wide" in problem
    assert "cast" in problem
    assert "numeric(" in problem
    select = "select no, wide::numeric(38, 6) as wide, kind, changed_at from awkward"
    database.run("update awkward set wide = 2")
    ledger.load(invoices={**mapping, "from": select})
    assert ledger.known() == {"1": Decimal(2)}


@pytest.mark.usefixtures("through_dlt")
def test_no_secret_is_in_what_a_load_leaves(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    database.invoice(1, 3)
    ledger.load(invoices=invoices())
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"c4nary" not in content, file
