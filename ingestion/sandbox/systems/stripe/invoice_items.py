"""Invoice items: prorations, pending until they are billed, and what is billed once."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.systems.stripe.books import RECURRING, SECOND, Books, seconds
from ingestion.sandbox.systems.stripe.catalogue import SUBSCRIPTION_IDS, of_reference
from ingestion.sandbox.systems.stripe.collections import Document, Kind, Mask
from ingestion.sandbox.systems.stripe.customers import IDS as CUSTOMERS
from ingestion.sandbox.systems.stripe.lines import (
    CHARGE,
    CREDIT,
    INVOICE_ITEM_IDS,
    PRORATION,
    credited_lines,
    line,
    line_key,
    priced,
    pricing,
    proration_key,
    proration_period,
)
from ingestion.sandbox.systems.stripe.money import CODES, minor
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.systems.stripe.subscriptions import INVOICE_IDS, ITEM_IDS
from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import NONE, NULL


def item_moments(books: Books) -> Ints:
    """When each invoice item came about, by key."""
    prorations, lines = books["prorations"], books["invoice_lines"]
    moments = np.full(max(4 * len(prorations), 2 * len(lines)), NULL, np.int64)
    moments[line_key(np.arange(len(lines)))] = books.line_drafted_at
    for side in (CREDIT, CHARGE):
        keys = proration_key(np.arange(len(prorations)), side)
        moments[keys] = prorations["occurred_at"]
    return moments


def invoice_items(books: Books) -> Kind:
    """Invoice items: prorations, pending until they are billed, and what is billed once."""
    prorations, lines = books["prorations"], books["invoice_lines"]
    size = max(4 * len(prorations), 2 * len(lines))
    created, present = item_moments(books), np.zeros(size, bool)
    invoice_row = np.full(size, NONE, np.int64)
    customer = np.full(size, NONE, np.int64)
    for side in (CREDIT, CHARGE):
        keys = proration_key(np.arange(len(prorations)), side)
        present[keys] = True
        invoice_row[keys] = prorations["invoice_id"]
        customer[keys] = books["subscriptions"]["customer_id"][prorations["subscription_id"]]
    keys = line_key(np.arange(len(lines)))
    invoice_row[keys] = lines["invoice_id"]
    present[keys] = (lines["kind"] != RECURRING) & (lines["kind"] != PRORATION)
    customer[keys] = books["invoices"]["customer_id"][lines["invoice_id"]]

    def is_pending(question: Question, name: str) -> Mask:
        return np.asarray((invoice_row == NONE) == question.boolean(name))

    return Kind(
        "invoiceitems", "invoiceitem", INVOICE_ITEM_IDS, seconds(created),
        lambda key, at: invoice_item(books, key, at),
        {"pending": is_pending, "customer": of_reference(customer, CUSTOMERS),
         "invoice": of_reference(invoice_row, INVOICE_IDS)},
        present=present,
    )  # fmt: skip


def invoice_item(books: Books, key: int, at: int) -> Document:
    """An invoice item."""
    if key % 2:
        return _item_of_line(books, key // 2)
    proration, side = divmod(key // 2, 2)
    store, row = books["prorations"], priced(books, proration, side)
    currency = int(books["subscriptions"]["currency"][row])
    hundredths = int(store["credit" if side == CREDIT else "charge"][proration])
    amount = minor(-abs(hundredths) if side == CREDIT else hundredths, currency)
    billed_at, invoice_row = int(books.billed_at[proration]), int(store["invoice_id"][proration])
    is_billed = billed_at != NULL and billed_at <= at
    credited = credited_lines(books, proration, side)
    details = None
    if credited is not None:
        details = {
            "invoice_item": None, "invoice_line_item_details": credited,
            "type": "invoice_line_items",
        }  # fmt: skip
    return _item(
        key, amount, currency, int(books["subscriptions"]["customer_id"][row]),
        int(store["occurred_at"][proration]), int(books.chain[row]),
        INVOICE_IDS.of(invoice_row) if is_billed else None,
        proration_period(books, proration), pricing(books, row),
    ) | {
        "description": "Unused time" if side == CREDIT else "Remaining time",
        "proration": True,
        "proration_details": {"credited_items": details, "discount_amounts": []},
        "quantity": int(books["subscriptions"]["quantity"][row]),
        "quantity_decimal": str(int(books["subscriptions"]["quantity"][row])),
    }  # fmt: skip


def _item_of_line(books: Books, row: int) -> Document:
    shown, invoice_row = line(books, row), int(books["invoice_lines"]["invoice_id"][row])
    subscription = int(books["invoice_lines"]["subscription_id"][row])
    return _item(
        line_key(row), shown["amount"], int(books["invoices"]["currency"][invoice_row]),
        int(books["invoices"]["customer_id"][invoice_row]),
        int(books["invoices"]["drafted_at"][invoice_row]),
        NONE if subscription == NONE else int(books.chain[subscription]),
        INVOICE_IDS.of(invoice_row), shown["period"], shown["pricing"],
    ) | {
        name: shown[name] for name in ("description", "quantity", "quantity_decimal")
    }  # fmt: skip


def _item(
    key: int, amount: int, currency: int, customer: int, at: int, chain: int,
    invoice_id: str | None, period: Document, price: Document,
) -> Document:  # fmt: skip
    parent = {
        "subscription_details": {
            "subscription": SUBSCRIPTION_IDS.of(chain), "subscription_item": ITEM_IDS.of(chain),
        },
        "type": "subscription_details",
    }  # fmt: skip
    return {
        "id": INVOICE_ITEM_IDS.of(key), "object": "invoiceitem", "amount": amount,
        "currency": CODES[currency], "customer": CUSTOMERS.of(customer), "customer_account": None,
        "date": at // SECOND, "description": None, "discountable": False, "discounts": [],
        "invoice": invoice_id, "livemode": False, "metadata": {}, "net_amount": amount,
        "parent": None if chain == NONE else parent, "period": period, "pricing": price,
        "proration": False, "proration_details": None, "quantity": 1, "quantity_decimal": "1",
        "tax_rates": [], "test_clock": None,
    }  # fmt: skip
