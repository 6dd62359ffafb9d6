"""Lines of invoices: of a subscription's item, a proration, or what is billed once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from ingestion.sandbox.systems.stripe.books import RECURRING, SECOND, Books
from ingestion.sandbox.systems.stripe.catalogue import (
    DISCOUNT_IDS,
    PRICE_IDS,
    PRODUCT_IDS,
    SUBSCRIPTION_IDS,
    one_off_price_id,
    price_key,
)
from ingestion.sandbox.systems.stripe.collections import Document, Ids, Kind
from ingestion.sandbox.systems.stripe.money import CODES, minor
from ingestion.sandbox.systems.stripe.subscriptions import INVOICE_IDS, ITEM_IDS, line_period
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import LINE_KINDS, NONE, PRODUCTS

LINE_IDS = Ids("il_", FIRST_ID["invoice_lines"])
INVOICE_ITEM_IDS = Ids("ii_", 2 * FIRST_ID["invoice_lines"])
PRORATION = LINE_KINDS.index("proration")
CREDIT, CHARGE = 0, 1
Key = TypeVar("Key", int, Ints)


def lines_of(books: Books, row: int) -> Kind:
    """The lines of an invoice, in their order there: the first is the first of the list."""
    found = books.lines.of(row)[::-1].astype(np.int64)
    created = np.zeros(len(books["invoice_lines"]), np.int64)
    present = np.zeros(len(created), bool)
    created[found], present[found] = np.arange(len(found)), True
    return Kind(
        "lines", "line item", LINE_IDS, created, lambda key, at: line(books, key),
        present=present, is_dated=False,
    )  # fmt: skip


def line(books: Books, row: int) -> Document:
    """A line of an invoice: of a subscription's item, or of an invoice item."""
    store = books["invoice_lines"]
    invoice_row, kind = int(store["invoice_id"][row]), int(store["kind"][row])
    currency = int(books["invoices"]["currency"][invoice_row])
    amount = minor(int(store["amount"][row]), currency)
    taken_off = 0
    if kind == RECURRING and books["invoices"]["discount"][invoice_row]:
        taken_off = minor(int(books["invoices"]["discount"][invoice_row]), currency)
    product = int(store["product"][row])
    quantity = int(store["quantity"][row])
    return {
        "id": LINE_IDS.of(row), "object": "line_item", "amount": amount,
        "currency": CODES[currency], "description": f"{PRODUCTS[product]} {LINE_KINDS[kind]}",
        "discount_amounts": discounts_of(books, invoice_row, taken_off),
        "discountable": kind == RECURRING, "discounts": [],
        "invoice": INVOICE_IDS.of(invoice_row), "livemode": False, "metadata": {},
        **_origin(books, row, kind), "pretax_credit_amounts": [], "quantity": quantity,
        "quantity_decimal": str(quantity), "subtotal": amount, "taxes": [],
    }  # fmt: skip


def _origin(books: Books, row: int, kind: int) -> Document:
    """Where a line comes from: its parent, its period and its price."""
    store, subscription = (
        books["invoice_lines"],
        int(books["invoice_lines"]["subscription_id"][row]),
    )
    invoice_row, product = int(store["invoice_id"][row]), int(store["product"][row])
    if kind == RECURRING:
        starts, ends = line_period(books, row)
        return {
            "parent": _of_subscription(books, subscription, None, None),
            "period": _period(starts, ends),
            "pricing": pricing(books, subscription),
        }
    if kind == PRORATION:
        proration = int(store["proration_id"][row])
        is_credit = subscription == books["prorations"]["old_id"][proration]
        side = CREDIT if is_credit else CHARGE
        item_id = INVOICE_ITEM_IDS.of(proration_key(proration, side))
        return {
            "parent": _of_subscription(
                books, subscription, item_id, credited_lines(books, proration, side)
            ),
            "period": proration_period(books, proration),
            "pricing": pricing(books, priced(books, proration, side)),
        }
    at = int(books["invoices"]["drafted_at"][invoice_row])
    currency = int(books["invoices"]["currency"][invoice_row])
    chain = None if subscription == NONE else SUBSCRIPTION_IDS.of(int(books.chain[subscription]))
    details = {
        "invoice_item": INVOICE_ITEM_IDS.of(line_key(row)), "proration": False,
        "proration_details": {"credited_items": None}, "subscription": chain,
    }  # fmt: skip
    amount = minor(int(store["amount"][row]), currency)
    return {
        "parent": {
            "invoice_item_details": details, "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "period": _period(at, at),
        "pricing": once(product, currency, amount // max(1, int(store["quantity"][row]))),
    }  # fmt: skip


def _period(starts: int, ends: int) -> Document:
    return {"end": ends // SECOND, "start": starts // SECOND}


def _of_subscription(
    books: Books, row: int, item_id: str | None, credited: Document | None
) -> Document:
    """The parent of a line that a subscription's item leads to, by itself or as a proration."""
    chain = int(books.chain[row])
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": item_id, "proration": item_id is not None,
            "proration_details": {"credited_items": credited},
            "subscription": SUBSCRIPTION_IDS.of(chain), "subscription_item": ITEM_IDS.of(chain),
        },
        "type": "subscription_item_details",
    }  # fmt: skip


def pricing(books: Books, row: int) -> Document:
    """The price of a row of subscriptions."""
    store = books["subscriptions"]
    amount = None
    if not store["is_tiered"][row]:
        amount = str(minor(int(store["unit_amount"][row]), int(store["currency"][row])))
    return {
        "price_details": {
            "price": PRICE_IDS.of(price_key(books, row)),
            "product": PRODUCT_IDS.of(int(store["plan"][row])),
        },
        "type": "price_details", "unit_amount_decimal": amount,
    }  # fmt: skip


def once(product: int, currency: int, amount: int) -> Document:
    """The price of what is billed once."""
    details = {"price": one_off_price_id(product, currency), "product": PRODUCT_IDS.of(product)}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": str(amount)}


def priced(books: Books, proration: int, side: int) -> int:
    """The row whose price a side of a proration has: the old one is credited, the new charged."""
    column = "old_id" if side == CREDIT else "subscription_id"
    return int(books["prorations"][column][proration])


def proration_period(books: Books, proration: int) -> Document:
    """From the change on, until what was billed in advance ends."""
    store = books["prorations"]
    return _period(int(store["occurred_at"][proration]), int(store["period_end"][proration]) * DAY)


def credited_lines(books: Books, proration: int, side: int) -> Document | None:
    """The line that a credit gives back in part."""
    if side != CREDIT:
        return None
    chain = int(books.chain[books["prorations"]["subscription_id"][proration]])
    at = int(books["prorations"]["occurred_at"][proration])
    billed = books.last(books.recurring.of(chain), books.line_drafted_at, at)
    if billed == NONE:
        return None
    invoice_row = int(books["invoice_lines"]["invoice_id"][billed])
    return {"invoice": INVOICE_IDS.of(invoice_row), "invoice_line_items": [LINE_IDS.of(billed)]}


def proration_key(proration: Key, side: int) -> Key:
    """The key of the invoice item that is one side of a proration; the others lie between."""
    return 2 * (2 * proration + side)


def line_key(line_row: Key) -> Key:
    """The key of the invoice item that a line bills once."""
    return 2 * line_row + 1


def discounts_of(books: Books, row: int, taken_off: int) -> list[Document]:
    """What discounts take off an invoice."""
    subscription = int(books["invoices"]["subscription_id"][row])
    if not taken_off or subscription == NONE or books.discount[subscription] == NONE:
        return []
    return [{"amount": taken_off, "discount": DISCOUNT_IDS.of(int(books.discount[subscription]))}]
