"""Events: what happened to the account's objects in the last 30 days."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingestion.sandbox.systems.stripe import catalogue, invoices, payments, subscriptions
from ingestion.sandbox.systems.stripe.books import SECOND, Books, seconds
from ingestion.sandbox.systems.stripe.collections import Document, Kind, Mask
from ingestion.sandbox.systems.stripe.errors import StripeError
from ingestion.sandbox.systems.stripe.invoice_items import item_moments
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.schema import NONE, NULL

API_VERSION = "2026-10-28.endive"
KEPT = 30 * DAY
MOST_TYPES = 20
Of = Callable[[str], Kind]
"""The objects of a list's name."""


@dataclass(frozen=True)
class Type:
    """A type of event, and the list that its objects are in.

    One that `compares` tells what its object was before; one that is `last` shows the object as
    it was when it was still there.
    """

    name: str
    kind: str
    compares: bool = False
    last: bool = False


TYPES = (
    Type("product.created", "products"), Type("coupon.created", "coupons"),
    Type("price.created", "prices"), Type("customer.created", "customers"),
    Type("customer.subscription.created", "subscriptions"),
    Type("customer.discount.created", "discounts"),
    Type("customer.subscription.updated", "subscriptions", compares=True),
    Type("customer.discount.deleted", "discounts"),
    Type("customer.subscription.deleted", "subscriptions"),
    Type("invoiceitem.created", "invoiceitems"), Type("invoice.created", "invoices"),
    Type("invoice.updated", "invoices", compares=True), Type("invoice.finalized", "invoices"),
    Type("charge.succeeded", "charges"), Type("invoice_payment.paid", "invoice_payments"),
    Type("invoice.paid", "invoices"), Type("invoice.payment_succeeded", "invoices"),
    Type("invoice.voided", "invoices"), Type("credit_note.created", "credit_notes"),
    Type("refund.created", "refunds"), Type("charge.refunded", "charges"),
    Type("charge.updated", "charges", compares=True),
    Type("refund.updated", "refunds", compares=True), Type("refund.failed", "refunds"),
    Type("credit_note.voided", "credit_notes"), Type("customer.deleted", "customers", last=True),
)  # fmt: skip
"""In the order in which those of one moment follow each other."""
CODES = {found.name: code for code, found in enumerate(TYPES)}


@dataclass(frozen=True)
class Journal:
    """Events in the order in which they happened: moment, type, and key of the object."""

    moments: Ints
    types: Ints
    keys: Ints

    def of(self, key: int) -> str:
        """The id of an event: it says what happened to what, and when, so it never changes."""
        number = int(self.keys[key])
        return f"evt_{int(self.moments[key]):017d}{int(self.types[key]):02d}{number}"

    def key(self, object_id: str) -> int | None:
        """The event of an id; none where there is none."""
        digits = object_id.removeprefix("evt_")
        if digits == object_id or not digits.isdigit() or not 20 <= len(digits) <= 38:
            return None
        moment, kind, number = int(digits[:17]), int(digits[17:19]), int(digits[19:])
        first = int(np.searchsorted(self.moments, moment))
        last = int(np.searchsorted(self.moments, moment, side="right"))
        alike = (self.types[first:last] == kind) & (self.keys[first:last] == number)
        return first + int(np.argmax(alike)) if alike.any() else None


def events(books: Books, of: Of) -> Kind:
    """The events of the last 30 days."""
    journal = _journal(books, of)
    names = np.array([found.name for found in TYPES])

    def of_type(question: Question, name: str) -> Mask:
        wanted = [question.single[name]] if name == "type" else question.lists[name]
        if len(wanted) > MOST_TYPES:
            raise StripeError(f"You may pass up to {MOST_TYPES} types", None, "types")
        matches = [
            any(fnmatch.fnmatchcase(known, pattern) for pattern in wanted) for known in names
        ]
        return np.asarray(np.array(matches)[journal.types])

    return Kind(
        "events", "event", journal, seconds(journal.moments),
        lambda key, at: _event(journal, of, key), {"type": of_type, "types[]": of_type},
    )  # fmt: skip


def _event(journal: Journal, of: Of, key: int) -> Document:
    """An event with its object as it was then."""
    found, moment, number = TYPES[journal.types[key]], int(journal.moments[key]), journal.keys[key]
    render = of(found.kind).render
    shown = render(int(number), moment - 1 if found.last else moment)
    data: Document = {"object": shown}
    if found.compares:
        data["previous_attributes"] = _previous(render(int(number), moment - 1), shown)
    return {
        "id": journal.of(key), "object": "event", "api_version": API_VERSION,
        "created": moment // SECOND, "data": data, "livemode": False, "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None}, "type": found.name,
    }  # fmt: skip


def _previous(before: Document, now: Document) -> dict[str, Any]:
    """What an object was, where it was something else; of lists, all that they held."""
    found: dict[str, Any] = {}
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        both = isinstance(old, dict) and isinstance(new, dict)
        found[name] = _previous(old, new) if both else old  # type: ignore[arg-type]
    return found


def _journal(books: Books, of: Of) -> Journal:
    """All events of the last 30 days, of every kind of object."""
    parts: list[tuple[Ints, Ints, Ints]] = []

    def add(name: str, keys: Ints, moments: Ints) -> None:
        keys, moments = np.asarray(keys, np.int64), np.asarray(moments, np.int64)
        recent = (moments > books.now - KEPT) & (moments <= books.now) & (keys != NONE)
        keys, moments = keys[recent], moments[recent]
        parts.append((moments, np.full(len(keys), CODES[name]), keys))

    _of_customers(books, of, add)
    _of_subscriptions(books, of, add)
    _of_invoices(books, of, add)
    _of_payments(books, of, add)
    moments, types, keys = (np.concatenate([part[n] for part in parts]) for n in range(3))
    order = np.lexsort((keys, types, moments))
    every = np.column_stack([moments, types, keys])[order]
    if len(every):
        every = every[np.r_[True, (every[1:] != every[:-1]).any(axis=1)]]
    return Journal(every[:, 0], every[:, 1], every[:, 2])


Add = Callable[[str, Ints, Ints], None]


def _of_customers(books: Books, of: Of, add: Add) -> None:
    customers = books["customers"]
    rows = np.arange(len(customers))
    add("customer.created", rows, customers["created_at"])
    add("customer.deleted", rows, books.customer_deleted_at)
    for name in ("product", "coupon"):
        kind = of(f"{name}s")
        add(f"{name}.created", kind.order, kind.created[kind.order] * SECOND)


def _of_subscriptions(books: Books, of: Of, add: Add) -> None:
    store = books["subscriptions"]
    rows = np.arange(len(store))
    first = rows[books.chain == rows]
    add("price.created", books.price_row + catalogue.ONE_OFF_PRICES,
        store["started_at"][books.price_row])  # fmt: skip
    add("customer.subscription.created", first, store["started_at"][first])
    began = np.flatnonzero(books.discount == rows)
    add("customer.discount.created", began, store["started_at"][began])
    add("customer.discount.deleted", began, books.discount_removed[began])
    gone = first[subscriptions.ended(books, first)]
    add("customer.subscription.deleted", gone, store["ended_at"][books.current_row[gone]])
    add("customer.subscription.updated", *subscriptions.changes(books))


def _of_invoices(books: Books, of: Of, add: Add) -> None:
    store = books["invoices"]
    rows = np.arange(len(store))
    add("invoice.created", rows, store["drafted_at"])
    add("invoice.finalized", rows, store["issued_at"])
    add("invoice.updated", *invoices.changes(books))
    for name in ("invoice.paid", "invoice.payment_succeeded"):
        add(name, rows, store["paid_at"])
    add("invoice.voided", rows, books.invoice_voided_at)
    items = of("invoiceitems")
    add("invoiceitem.created", items.order, item_moments(books)[items.order])


def _of_payments(books: Books, of: Of, add: Add) -> None:
    store, notes = books["payments"], books["credit_notes"]
    rows, note_rows = np.arange(len(store)), np.arange(len(notes))
    billed = rows[store["invoice_id"] != NONE]
    add("charge.succeeded", rows, store["occurred_at"])
    add("invoice_payment.paid", billed, store["occurred_at"][billed])
    there = note_rows[books.refunded_payment != NONE]
    add("refund.created", there, notes["occurred_at"][there])
    add("charge.refunded", books.refunded_payment[there], notes["occurred_at"][there])
    charged, at, failed, failed_at = payments.refund_changes(books)
    add("charge.updated", charged, at)
    add("refund.updated", failed, failed_at)
    add("refund.failed", failed, failed_at)
    issued = note_rows[np.asarray(books.is_note)]
    add("credit_note.created", issued, notes["occurred_at"][issued])
    voided = issued[books.note_voided_at[issued] != NULL]
    add("credit_note.voided", voided, books.note_voided_at[voided])
