"""The account: every kind of object that it holds, by the name of its list."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingestion.sandbox.systems.stripe import catalogue, invoices, lines, payments, subscriptions
from ingestion.sandbox.systems.stripe.books import Books
from ingestion.sandbox.systems.stripe.collections import Document, Kind
from ingestion.sandbox.systems.stripe.customers import customers
from ingestion.sandbox.systems.stripe.events import events
from ingestion.sandbox.systems.stripe.invoice_items import invoice_items
from ingestion.sandbox.world import World

BUILDERS: Mapping[str, Callable[[Books], Kind]] = {
    "customers": customers,
    "products": catalogue.products,
    "prices": catalogue.prices,
    "coupons": catalogue.coupons,
    "discounts": catalogue.discounts,
    "subscriptions": subscriptions.subscriptions,
    "subscription_items": subscriptions.items,
    "invoices": invoices.invoices,
    "invoiceitems": invoice_items,
    "invoice_payments": payments.invoice_payments,
    "charges": payments.charges,
    "refunds": payments.refunds,
    "disputes": payments.disputes,
    "credit_notes": payments.credit_notes,
    "balance_transactions": payments.balance_transactions,
}
INSIDE: Mapping[tuple[str, str], Callable[[Books, int], Kind]] = {
    ("invoices", "lines"): lines.lines_of,
    ("credit_notes", "lines"): payments.note_lines,
    ("charges", "refunds"): payments.refunds_of,
}
UNLISTED = {"discounts"}
"""Kinds that have no address."""


class Account:
    """The world as an account shows it. Build a new one when the world has changed."""

    def __init__(self, world: World) -> None:
        self.books = Books(world)
        self.now = self.books.now
        self._kinds: dict[str, Kind] = {}

    def kind(self, name: str) -> Kind:
        """The objects of a list's name, as in /v1/customers. Raises KeyError."""
        if name not in self._kinds:
            is_events = name == "events"
            self._kinds[name] = (
                events(self.books, self.kind) if is_events else BUILDERS[name](self.books)
            )
        return self._kinds[name]

    def served(self, name: str) -> bool:
        """Whether there is a list of this name."""
        return (name in BUILDERS or name == "events") and name not in UNLISTED

    def inside(self, name: str, key: int, inner: str) -> Kind | None:
        """A list inside an object, as the lines of an invoice; none where there is none."""
        build = INSIDE.get((name, inner))
        return None if build is None else build(self.books, key)

    def tiers(self, price_id: str) -> list[Document] | None:
        """The bands of a price; none where it has none."""
        return catalogue.tiers(self.books, self.kind("prices").find(price_id))

    def read(self, object_id: str) -> Document | None:
        """The object of an id of any kind, as it is now."""
        for name in BUILDERS:
            kind = self.kind(name)
            key = kind.ids.key(object_id)
            if key is not None:
                return kind.render(key, self.now)
        return None
