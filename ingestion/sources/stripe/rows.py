"""Stripe's objects as rows of raw tables: what is kept of each, all of it still text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from ingestion.sources.stripe.money import MinorUnits, NoCurrencyError

Document = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Makes rows of objects. Moments are seconds since 1970 UTC as they came in.

    `mapping` is company.yml's: keys of metadata by entity and column.
    """

    units: MinorUnits
    mapping: Mapping[str, Mapping[str, str]]

    def of(self, table: str, found: Document) -> Iterator[tuple[str, Row]]:
        """The rows that an object of a table gives, each with its table.

        Where a currency is none there is one row, with the reason why it is rejected. Raises
        SourceError of a currency in doubt.
        """
        try:
            rows = list(MAKERS[table](self, found))
        except NoCurrencyError as error:
            record = orjson.dumps(found).decode()
            rows = [(table, {"source_id": found["id"], "reason": str(error), "record": record})]
        yield from rows

    def _metadata(self, entity: str, found: Document) -> Row:
        told = found.get("metadata") or {}
        mapped = {column: told.get(key) for column, key in self.mapping.get(entity, {}).items()}
        return {**mapped, "metadata": _json(told)}

    def _customer(self, it: Document) -> Iterator[tuple[str, Row]]:
        yield (
            "customers",
            {
                **_same(it, "name", "email", "created"),
                "currency": _code(it),
                **self._metadata("customers", it),
            },
        )
        if discount := it.get("discount"):
            yield (
                "customer_discounts",
                {
                    "source_id": discount["id"],
                    "coupon": _id(discount["source"]["coupon"]),
                    "customer": it["id"],
                    "begins_at": discount.get("start"),
                    "ends_at": discount.get("end"),
                },
            )

    def _product(self, it: Document) -> Iterator[tuple[str, Row]]:
        yield "products", _same(it, "name", "active")

    def _price(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        recurring, divided = it.get("recurring") or {}, it.get("transform_quantity") or {}
        yield "prices", {
            **_same(
                it, "active", "type", "billing_scheme", "tiers_mode", "tax_behavior", "nickname",
                "created",
            ),
            "product": _id(it.get("product")),
            "currency": code,
            "unit_amount": self.units.amount(_exact(it, "unit_amount"), code),
            "interval": recurring.get("interval"),
            "interval_count": recurring.get("interval_count"),
            "usage_type": recurring.get("usage_type"),
            "divide_by": divided.get("divide_by"),
            "round": divided.get("round"),
        }  # fmt: skip
        for position, tier in enumerate(it.get("tiers") or (), start=1):
            yield (
                "price_tiers",
                {
                    "source_id": f"{it['id']}/{position}",
                    "price": it["id"],
                    "position": str(position),
                    "up_to": tier.get("up_to"),
                    "unit_amount": self.units.amount(_exact(tier, "unit_amount"), code),
                    "flat_amount": self.units.amount(_exact(tier, "flat_amount"), code),
                },
            )

    def _coupon(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        products = (it.get("applies_to") or {}).get("products")
        yield (
            "coupons",
            {
                **_same(it, "percent_off", "duration", "duration_in_months"),
                "amount_off": self.units.amount(it.get("amount_off"), code),
                "currency": code,
                "products": _json(products),
            },
        )

    def _subscription(self, it: Document) -> Iterator[tuple[str, Row]]:
        paused = it.get("pause_collection") or {}
        yield "subscriptions", {
            **_same(
                it, "status", "start_date", "created", "ended_at", "canceled_at", "cancel_at",
                "cancel_at_period_end", "trial_start", "trial_end",
            ),
            "customer": _id(it.get("customer")),
            "currency": _code(it),
            "pause_behavior": paused.get("behavior"),
            "pause_resumes_at": paused.get("resumes_at"),
            "includes_tax": _includes_tax(it),
            **self._metadata("subscriptions", it),
        }  # fmt: skip
        yield from self._discounts(it, it.get("discounts"), None)
        for item in it["items"]["data"]:
            yield from self._discounts(it, item.get("discounts"), item["id"])

    def _discounts(
        self, of: Document, discounts: list[Document] | None, item: str | None
    ) -> Iterator[tuple[str, Row]]:
        for it in discounts or ():
            yield (
                "discounts",
                {
                    "source_id": it["id"],
                    "coupon": _id(it["source"]["coupon"]),
                    "customer": _id(of.get("customer")),
                    "subscription": of["id"],
                    "subscription_item": item,
                    "begins_at": it.get("start"),
                    "ends_at": it.get("end"),
                },
            )

    def _invoice(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        moments = it["status_transitions"]
        taxes = it.get("total_taxes")
        amounts = (
            "total", "subtotal", "amount_due", "amount_paid", "amount_paid_off_stripe",
            "amount_overpaid", "amount_remaining", "starting_balance",
            "post_payment_credit_notes_amount",
        )  # fmt: skip
        yield "invoices", {
            **_same(
                it, "status", "created", "due_date", "effective_at", "customer_name",
                "customer_email",
            ),
            **{name: moments.get(name) for name in TRANSITIONS},
            **{name: self.units.amount(it.get(name), code) for name in amounts},
            "customer": _id(it.get("customer")),
            "subscription": _subscription_of(it),
            "currency": code,
            "tax": None
            if taxes is None
            else self.units.amount(sum(tax["amount"] for tax in taxes), code),
            "latest_revision": _id(it.get("latest_revision")),
            **self._metadata("invoices", it),
        }  # fmt: skip
        for line in it["lines"]["data"]:
            yield "invoice_lines", self._line(it, line)

    def _line(self, invoice: Document, it: Document) -> Row:
        parent = it.get("parent") or {}
        details = parent.get(parent.get("type") or "") or {}
        return {
            **self._billed(it),
            "invoice": invoice["id"],
            "discount": self._taken_off(it),
            "subscription": _id(details.get("subscription")),
            "subscription_item": details.get("subscription_item"),
            "is_proration": bool(details.get("proration")),
            "is_credit": _is_credit(it, details),
            "parent_type": parent.get("type"),
            "description": it.get("description"),
        }

    def _taken_off(self, it: Document) -> Any:
        """What discounts take off a line."""
        taken = it.get("discount_amounts") or ()
        return self.units.amount(sum(part["amount"] for part in taken), _code(it))

    def _invoice_item(self, it: Document) -> Iterator[tuple[str, Row]]:
        details = (it.get("parent") or {}).get("subscription_details") or {}
        yield (
            "invoice_items",
            {
                **{
                    k: v for k, v in self._billed(it).items() if k not in ("product", "unit_amount")
                },
                "customer": _id(it.get("customer")),
                "subscription": _id(details.get("subscription")),
                "subscription_item": details.get("subscription_item"),
                "is_proration": bool(it.get("proration")),
                "is_credit": _is_credit(it, it),
                "invoice": _id(it.get("invoice")),
            },
        )

    def _billed(self, it: Document) -> Row:
        """What a line of an invoice and a pending item have in common."""
        code = _code(it)
        pricing = it.get("pricing") or {}
        priced = pricing.get("price_details") or {}
        return {
            "source_id": it["id"],
            "price": _id(priced.get("price")),
            "product": _id(priced.get("product")),
            "quantity": _exact(it, "quantity"),
            "amount": self.units.amount(it.get("amount"), code),
            "currency": code,
            "unit_amount": self.units.amount(_exact(pricing, "unit_amount"), code),
            "period_start": it["period"]["start"],
            "period_end": it["period"]["end"],
        }

    def _invoice_payment(self, it: Document) -> Iterator[tuple[str, Row]]:
        code, payment = _code(it), it.get("payment") or {}
        yield (
            "invoice_payments",
            {
                **_same(it, "status", "created"),
                "invoice": _id(it.get("invoice")),
                "amount_paid": self.units.amount(it.get("amount_paid"), code),
                "currency": code,
                "paid_at": (it.get("status_transitions") or {}).get("paid_at"),
                "payment_type": payment.get("type"),
                "charge": _id(payment.get("charge")),
                "payment_intent": _id(payment.get("payment_intent")),
            },
        )

    def _charge(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        yield (
            "charges",
            {
                **_same(it, "status", "paid", "captured", "disputed", "created"),
                "customer": _id(it.get("customer")),
                "amount": self.units.amount(it.get("amount"), code),
                "amount_captured": self.units.amount(it.get("amount_captured"), code),
                "amount_refunded": self.units.amount(it.get("amount_refunded"), code),
                "currency": code,
                "payment_intent": _id(it.get("payment_intent")),
            },
        )

    def _refund(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        yield (
            "refunds",
            {
                **_same(it, "status", "created"),
                "charge": _id(it.get("charge")),
                "payment_intent": _id(it.get("payment_intent")),
                "amount": self.units.amount(it.get("amount"), code),
                "currency": code,
                "balance_transaction": _id(it.get("balance_transaction")),
            },
        )

    def _dispute(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        moved = it.get("balance_transactions") or ()
        taken = [part for part in moved if part["amount"] < 0]
        first: Document = min(taken, key=lambda part: part["created"], default={})
        yield (
            "disputes",
            {
                **_same(it, "status", "reason", "created"),
                "charge": _id(it.get("charge")),
                "payment_intent": _id(it.get("payment_intent")),
                "amount": self.units.amount(it.get("amount"), code),
                "currency": code,
                "withdrawn_at": first.get("created"),
                "balance_transaction": first.get("id"),
            },
        )

    def _credit_note(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        yield (
            "credit_notes",
            {
                **_same(it, "status", "type", "created", "effective_at", "voided_at"),
                "customer": _id(it.get("customer")),
                "invoice": _id(it.get("invoice")),
                **{
                    name: self.units.amount(it.get(name), code)
                    for name in ("amount", "post_payment_amount", "out_of_band_amount")
                },
                "currency": code,
                "customer_balance_transaction": _id(it.get("customer_balance_transaction")),
            },
        )
        for part in it.get("refunds") or ():
            if refund := _id(part.get("refund")):
                yield (
                    "credit_note_refunds",
                    {
                        "source_id": f"{it['id']}/{refund}",
                        "credit_note": it["id"],
                        "refund": refund,
                        "amount": self.units.amount(part.get("amount_refunded"), code),
                    },
                )

    def _balance_transaction(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = _code(it)
        yield (
            "balance_transactions",
            {
                **_same(
                    it, "exchange_rate", "type", "reporting_category", "created", "available_on"
                ),
                **{
                    name: self.units.amount(it.get(name), code) for name in ("amount", "fee", "net")
                },
                "currency": code,
                "source": _id(it.get("source")),
            },
        )

    def _event(self, it: Document) -> Iterator[tuple[str, Row]]:
        about = it["data"]["object"]
        previous = it["data"].get("previous_attributes")
        yield (
            "events",
            {
                **_same(it, "type", "created", "api_version"),
                "object": about.get("object"),
                "object_id": about.get("id"),
                "previous_attributes": _json(previous)
                if about.get("object") == "subscription"
                else None,
            },
        )


def removed_discount(it: Document, moment: int) -> tuple[str, Row]:
    """The row of a discount as the event of its end shows it, in whatever version of the API.

    With its table: one of no subscription is its customer's.
    """
    row = {
        "source_id": it["id"],
        "coupon": _id((it.get("source") or it).get("coupon")),
        "customer": _id(it.get("customer")),
        "begins_at": it.get("start"),
        "ends_at": min(moment, it.get("end") or moment),
    }
    if subscription := _id(it.get("subscription")):
        item = it.get("subscription_item")
        return "discounts", {**row, "subscription": subscription, "subscription_item": item}
    return "customer_discounts", row


TRANSITIONS = ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")
MAKERS: Mapping[str, Callable[[Rows, Document], Iterator[tuple[str, Row]]]] = MappingProxyType(
    {
        "customers": Rows._customer,
        "products": Rows._product,
        "prices": Rows._price,
        "coupons": Rows._coupon,
        "subscriptions": Rows._subscription,
        "invoices": Rows._invoice,
        "invoice_items": Rows._invoice_item,
        "invoice_payments": Rows._invoice_payment,
        "charges": Rows._charge,
        "refunds": Rows._refund,
        "disputes": Rows._dispute,
        "credit_notes": Rows._credit_note,
        "balance_transactions": Rows._balance_transaction,
        "events": Rows._event,
    }
)
"""What makes rows of an object, by the table that it is a record of."""


def _same(found: Document, *names: str) -> Row:
    """The id, and members that raw has under their own names."""
    return {"source_id": found["id"], **{name: found.get(name) for name in names}}


def _id(found: Any) -> Any:
    """The id of what may be expanded."""
    return found["id"] if isinstance(found, dict) else found


def _code(found: Document) -> str | None:
    code = found.get("currency")
    return code.upper() if code else None


def _exact(found: Document, name: str) -> Any:
    """A member with all its decimals, which Stripe tells in another one of `<name>_decimal`."""
    decimal = found.get(f"{name}_decimal")
    return found.get(name) if decimal is None else decimal


def _json(found: Any) -> str | None:
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode() if found else None


def _subscription_of(invoice: Document) -> Any:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return _id(details.get("subscription"))


def _includes_tax(subscription: Document) -> bool:
    """Whether tax is in a price: by the rates that are given by hand, or else by the price."""
    items = subscription["items"]["data"]
    rates = [
        rate for it in (*items, subscription)
        for rate in it.get("tax_rates") or it.get("default_tax_rates") or ()
    ]  # fmt: skip
    if (subscription.get("automatic_tax") or {}).get("enabled"):
        return any((it.get("price") or {}).get("tax_behavior") == "inclusive" for it in items)
    return any(rate.get("inclusive") for rate in rates)


def _is_credit(it: Document, details: Document) -> bool:
    """Whether something is given back: a downgrade's credit may be one of 0."""
    settled = details.get("proration_details") or {}
    return it["amount"] < 0 or bool(settled.get("credited_items"))
