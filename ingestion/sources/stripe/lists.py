"""Stripe's lists: which entities are told by each, how it is asked for, and where its rows go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

EVENTS = "/v1/events"
DISCOUNTS = ("discounts", "customer_discounts")
"""Tables of discounts: they end, and are not deleted."""


@dataclass(frozen=True)
class StripeList:
    """A list of objects.

    `kind` is what Stripe calls one of them, `entities` are those that are told by it, `params`
    what it is asked with, `expanded` what of each object is asked for besides. `parts` are the
    tables of what its objects are made of, with the column of the object's id. Without
    `has_events` it is listed at every load: whole where what was in it may leave it (`is_passing`),
    else from the last load on.
    """

    name: str
    kind: str
    entities: frozenset[str]
    params: Mapping[str, str] = field(default_factory=dict)
    expanded: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    has_events: bool = True
    is_passing: bool = False

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/v1/{self.name}"

    @property
    def table(self) -> str:
        """The raw table of its objects."""
        return "invoice_items" if self.name == "invoiceitems" else self.name

    @property
    def asked(self) -> dict[str, object]:
        """The parameters that ask for all of it."""
        return {**self.params, "expand[]": [f"data.{part}" for part in self.expanded]}


def _told(*entities: str) -> frozenset[str]:
    return frozenset(entities)


_LISTS = (
    StripeList(
        "customers",
        "customer",
        _told("customers"),
        parts=MappingProxyType({"customer_discounts": "customer"}),
    ),
    StripeList("products", "product", _told("subscriptions", "invoice_lines")),
    StripeList(
        "prices",
        "price",
        _told("subscriptions"),
        expanded=("tiers",),
        parts=MappingProxyType({"price_tiers": "price"}),
    ),
    StripeList("coupons", "coupon", _told("subscriptions"), expanded=("applies_to",)),
    StripeList(
        "subscriptions",
        "subscription",
        _told("subscriptions"),
        params=MappingProxyType({"status": "all"}),
        expanded=("discounts", "items.data.discounts"),
        parts=MappingProxyType({"discounts": "subscription"}),
    ),
    StripeList(
        "invoiceitems",
        "invoiceitem",
        _told("subscriptions"),
        params=MappingProxyType({"pending": "true"}),
        has_events=False,
        is_passing=True,
    ),
    StripeList(
        "invoices",
        "invoice",
        _told("invoices", "invoice_lines"),
        parts=MappingProxyType({"invoice_lines": "invoice"}),
    ),
    StripeList("invoice_payments", "invoice_payment", _told("payments")),
    StripeList("charges", "charge", _told("payments")),
    StripeList("refunds", "refund", _told("credit_notes")),
    StripeList("disputes", "dispute", _told("credit_notes")),
    StripeList(
        "credit_notes",
        "credit_note",
        _told("credit_notes"),
        parts=MappingProxyType({"credit_note_refunds": "credit_note"}),
    ),
    StripeList("balance_transactions", "balance_transaction", _told("payments"), has_events=False),
)
LISTS: Mapping[str, StripeList] = MappingProxyType({found.name: found for found in _LISTS})


PARTS_FOR: Mapping[str, str] = MappingProxyType(
    {"customers": "subscriptions", "invoices": "invoice_lines"}
)
"""Lists whose objects' parts are told for an entity alone."""


def lists_of(entities: Iterable[str]) -> tuple[StripeList, ...]:
    """The lists that tell of entities, with the parts that are asked for."""
    wanted = frozenset(entities)
    found = (it for it in _LISTS if it.entities & wanted)
    whole = {name for name, entity in PARTS_FOR.items() if entity not in wanted}
    return tuple(replace(it, parts={}) if it.name in whole else it for it in found)


def entities_of(path: str) -> frozenset[str]:
    """The entities that a request of a path is for; none where it is for all."""
    name = path.removeprefix("/v1/").partition("/")[0]
    name = "subscriptions" if name == "subscription_items" else name
    return LISTS[name].entities if name in LISTS else frozenset()
