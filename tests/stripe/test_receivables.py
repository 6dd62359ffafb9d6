"""What customers owe and have paid, from Stripe's objects to finance: each case worked by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from raw_rows import LOADED_AT, create_statements, insert

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels

Rows = dict[str, list[dict[str, Any]]]


def day(number: int) -> dt.datetime:
    return dt.datetime(2026, 1, number, 12)


def invoice(name: str, customer: str, total: int, **more: Any) -> dict[str, Any]:
    return {
        "source_id": name,
        "customer": customer,
        "status": "paid",
        "currency": "USD",
        "created": day(1),
        "finalized_at": day(2),
        "total": total,
        "amount_due": total,
        "starting_balance": 0,
        **more,
    }


def payment(name: str, invoice: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "source_id": name,
        "invoice": invoice,
        "amount_paid": amount,
        "currency": "USD",
        "status": "paid",
        "paid_at": day(5),
        "created": day(5),
        "payment_type": "payment_intent",
        "payment_intent": f"pi_{name}",
        **more,
    }


def charge(name: str, customer: str, amount: int) -> dict[str, Any]:
    return {
        "source_id": f"ch_{name}",
        "customer": customer,
        "amount": amount,
        "currency": "USD",
        "status": "succeeded",
        "paid": True,
        "created": day(5),
        "payment_intent": f"pi_{name}",
    }


def refund(name: str, of: str, amount: int, status: str = "succeeded") -> dict[str, Any]:
    return {
        "source_id": name,
        "charge": f"ch_{of}",
        "amount": amount,
        "currency": "USD",
        "status": status,
        "created": day(9),
    }


def note(name: str, invoice: str, customer: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "source_id": name,
        "invoice": invoice,
        "customer": customer,
        "amount": amount,
        "currency": "USD",
        "status": "issued",
        "created": day(9),
        **more,
    }


ROWS: Rows = {
    "invoices": [
        invoice("whole", "in_whole", 100),
        invoice("parts", "in_parts", 100, status="open"),
        invoice("draft", "draft", 100, status="draft", finalized_at=None),
        invoice("revised", "revised", 100, status="open", latest_revision="revision"),
        invoice("revision", "revised", 80, status="open", finalized_at=day(3)),
        invoice("voided", "void_after_payment", 100, status="void"),
        invoice("given_up", "given_up", 100, status="uncollectible"),
        invoice("refunded", "refunded", 100),
        invoice("failed", "failed_refund", 100),
        invoice("noted", "note_with_refund", 100),
        invoice("note_failed", "note_with_failed_refund", 100),
        invoice("credited", "credited_before_payment", 100, amount_due=90),
        invoice("elsewhere", "paid_elsewhere", 100, amount_paid_off_stripe=100, paid_at=day(6)),
        invoice("over", "overpaid", 100, amount_overpaid=20),
        invoice("after", "overpaid", 100, amount_due=80, starting_balance=-20, finalized_at=day(9)),
        invoice("downgrade", "downgraded", -30, amount_due=0),
        invoice(
            "next", "downgraded", 100, amount_due=70, starting_balance=-30, finalized_at=day(4)
        ),
    ],
    "invoice_payments": [
        payment("p_over_1", "over", 90),
        payment("p_over_2", "over", 30, paid_at=day(8)),
        payment("p_after", "after", 80, paid_at=day(10)),
        payment("p_whole", "whole", 100),
        payment("p_1", "parts", 40),
        payment("p_2", "parts", 25, paid_at=day(8)),
        payment("p_void", "voided", 20),
        payment("p_refunded", "refunded", 100),
        payment("p_failed", "failed", 100),
        payment("p_noted", "noted", 100),
        payment("p_note_failed", "note_failed", 100),
        payment("p_credited", "credited", 90, paid_at=day(10)),
        payment("p_next", "next", 70),
    ],
    "charges": [
        charge("p_whole", "in_whole", 100),
        charge("p_over_1", "overpaid", 90),
        charge("p_over_2", "overpaid", 30),
        charge("p_after", "overpaid", 80),
        charge("p_1", "in_parts", 40),
        charge("p_2", "in_parts", 25),
        charge("p_void", "void_after_payment", 20),
        charge("p_refunded", "refunded", 100),
        charge("p_failed", "failed_refund", 100),
        charge("p_noted", "note_with_refund", 100),
        charge("p_note_failed", "note_with_failed_refund", 100),
        charge("p_credited", "credited_before_payment", 90),
        charge("p_next", "downgraded", 70),
        charge("once", "without_invoice", 25),
    ],
    "refunds": [
        refund("re_1", "p_refunded", 30),
        refund("re_2", "p_failed", 30, "failed"),
        refund("re_3", "p_noted", 30),
        refund("re_4", "p_note_failed", 30, "failed"),
        refund("re_5", "once", 25),
    ],
    "credit_notes": [
        note("cn_1", "noted", "note_with_refund", 30),
        note("cn_2", "note_failed", "note_with_failed_refund", 30),
        note("cn_3", "credited", "credited_before_payment", 10),
        note("cn_4", "parts", "in_parts", 10, status="void"),
    ],
    "credit_note_refunds": [
        {"source_id": "cn_1/re_3", "credit_note": "cn_1", "refund": "re_3", "amount": 30},
        {"source_id": "cn_2/re_4", "credit_note": "cn_2", "refund": "re_4", "amount": 30},
    ],
}
CUSTOMERS = sorted({it["customer"] for name in ("invoices", "charges") for it in ROWS[name]})
# Invoiced, paid and credited, and what is owed of it.
OWED = {
    "in_whole": (100, 100, 0, 0),
    "in_parts": (100, 65, 0, 35),
    "revised": (80, 0, 0, 80),
    "void_after_payment": (0, 20, 0, -20),
    "given_up": (100, 0, 100, 0),
    "refunded": (100, 70, 30, 0),
    "failed_refund": (100, 100, 0, 0),
    "note_with_refund": (100, 70, 30, 0),
    "note_with_failed_refund": (100, 100, 0, 0),
    "credited_before_payment": (100, 90, 10, 0),
    "paid_elsewhere": (100, 100, 0, 0),
    "downgraded": (70, 70, 0, 0),
    "overpaid": (200, 200, 0, 0),
    "without_invoice": (0, 0, 0, 0),
}
CASH = {
    "in_whole": (100, 0),
    "in_parts": (65, 0),
    "void_after_payment": (20, 0),
    "refunded": (100, 30),
    "failed_refund": (100, 0),
    "note_with_refund": (100, 30),
    "note_with_failed_refund": (100, 0),
    "credited_before_payment": (90, 0),
    "paid_elsewhere": (100, 0),
    "downgraded": (70, 0),
    "overpaid": (200, 0),
    "without_invoice": (25, 25),
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company whose one source is Stripe, with these rows."""
    folder = tmp_path_factory.mktemp("receivables")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        file = folder / "company.yml"
        file.write_text(
            "name: Owed\ncurrency: USD\ntimezone: UTC\nsources:\n"
            "  - {name: stripe, type: stripe, key_env: NO_KEY}\n"
        )
        company = load_company(file)
        warehouse = Path(Warehouse.of(company).location)
        warehouse.parent.mkdir(parents=True)
        customers = [{"source_id": it, "name": it, "created": day(1)} for it in CUSTOMERS]
        with duckdb.connect(warehouse) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for statement in create_statements():
                connection.execute(statement)
            insert(connection, {**ROWS, "customers": customers})
        known_at = LOADED_AT.replace(tzinfo=None)
        CompiledModels.of(company).build(known_at, known_at, ["fct_payments", "int_receivables"])
        yield company


def asked(company: Company, sql: str) -> dict[str, tuple[Decimal, ...]]:
    with duckdb.connect(Warehouse.of(company).location, read_only=True) as connection:
        rows = connection.execute(
            f"select customer_id, figures.* exclude (customer_key) from ({sql}) as figures "
            "join intermediate.int_customer_ids using (customer_key)"
        ).fetchall()
    return {customer: tuple(figures) for customer, *figures in rows}


def test_what_is_owed(company: Company) -> None:
    found = asked(
        company,
        "select customer_key, sum(invoiced), sum(paid), sum(credited), sum(receivable) "
        "from intermediate.int_receivables where valid_to > '9999-01-01' group by customer_key",
    )
    assert found == OWED


def test_an_invoice_that_is_settled_is_owed_no_part(company: Company) -> None:
    with duckdb.connect(Warehouse.of(company).location, read_only=True) as connection:
        still_open = connection.execute(
            "select invoice_id, receivable from intermediate.int_receivables "
            "join intermediate.int_invoices__priced using (invoice_key) "
            "where valid_to > '9999-01-01' and receivable <> 0 order by invoice_id"
        ).fetchall()
    assert still_open == [("parts", 35), ("revision", 80)]


def test_cash(company: Company) -> None:
    found = asked(
        company,
        "select customer_key, coalesce(sum(amount) filter (kind = 'payment'), 0), "
        "coalesce(sum(amount) filter (kind = 'refund'), 0) from marts.fct_payments "
        "group by customer_key",
    )
    assert found == CASH
