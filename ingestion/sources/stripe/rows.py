"""Stripe's objects as rows of raw tables: what is kept of each, all of it still text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from ingestion.sources.stripe.members import (
    Document,
    Row,
    as_json,
    code_of,
    exact,
    id_of,
    includes_tax,
    is_credit,
    same,
    subscription_of,
)
from ingestion.sources.stripe.money import MinorUnits, NoCurrencyError


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
        return {**mapped, "metadata": as_json(told)}

    def _customer(self, it: Document) -> Iterator[tuple[str, Row]]:
        yield (
            "customers",
            {
                **same(it, "name", "email", "created"),
                "currency": code_of(it),
                **self._metadata("customers", it),
            },
        )
        if discount := it.get("discount"):
            yield (
                "customer_discounts",
                {
                    "source_id": discount["id"],
                    "coupon": id_of(discount["source"]["coupon"]),
                    "customer": it["id"],
                    "begins_at": discount.get("start"),
                    "ends_at": discount.get("end"),
                },
            )

    def _product(self, it: Document) -> Iterator[tuple[str, Row]]:
        yield "products", same(it, "name", "active")

    def _price(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        recurring, divided = it.get("recurring") or {}, it.get("transform_quantity") or {}
        yield "prices", {
            **same(
                it, "active", "type", "billing_scheme", "tiers_mode", "tax_behavior", "nickname",
                "created",
            ),
            "product": id_of(it.get("product")),
            "currency": code,
            "unit_amount": self.units.amount(exact(it, "unit_amount"), code),
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
                    "unit_amount": self.units.amount(exact(tier, "unit_amount"), code),
                    "flat_amount": self.units.amount(exact(tier, "flat_amount"), code),
                },
            )

    def _coupon(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        products = (it.get("applies_to") or {}).get("products")
        yield (
            "coupons",
            {
                **same(it, "percent_off", "duration", "duration_in_months"),
                "amount_off": self.units.amount(it.get("amount_off"), code),
                "currency": code,
                "products": as_json(products),
            },
        )

    def _subscription(self, it: Document) -> Iterator[tuple[str, Row]]:
        paused = it.get("pause_collection") or {}
        yield "subscriptions", {
            **same(
                it, "status", "start_date", "created", "ended_at", "canceled_at", "cancel_at",
                "cancel_at_period_end", "trial_start", "trial_end",
            ),
            "customer": id_of(it.get("customer")),
            "currency": code_of(it),
            "pause_behavior": paused.get("behavior"),
            "pause_resumes_at": paused.get("resumes_at"),
            "includes_tax": includes_tax(it),
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
                    "coupon": id_of(it["source"]["coupon"]),
                    "customer": id_of(of.get("customer")),
                    "subscription": of["id"],
                    "subscription_item": item,
                    "begins_at": it.get("start"),
                    "ends_at": it.get("end"),
                },
            )

    def _invoice(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        moments = it["status_transitions"]
        taxes = it.get("total_taxes")
        amounts = (
            "total", "subtotal", "amount_due", "amount_paid", "amount_paid_off_stripe",
            "amount_overpaid", "amount_remaining", "starting_balance",
            "post_payment_credit_notes_amount",
        )  # fmt: skip
        yield "invoices", {
            **same(
                it, "status", "created", "due_date", "effective_at", "customer_name",
                "customer_email",
            ),
            **{name: moments.get(name) for name in TRANSITIONS},
            **{name: self.units.amount(it.get(name), code) for name in amounts},
            "customer": id_of(it.get("customer")),
            "subscription": subscription_of(it),
            "currency": code,
            "tax": None
            if taxes is None
            else self.units.amount(sum(tax["amount"] for tax in taxes), code),
            "latest_revision": id_of(it.get("latest_revision")),
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
            "subscription": id_of(details.get("subscription")),
            "subscription_item": details.get("subscription_item"),
            "is_proration": bool(details.get("proration")),
            "is_credit": is_credit(it, details),
            "parent_type": parent.get("type"),
            "description": it.get("description"),
        }

    def _taken_off(self, it: Document) -> Any:
        """What discounts take off a line."""
        taken = it.get("discount_amounts") or ()
        return self.units.amount(sum(part["amount"] for part in taken), code_of(it))

    def _invoice_item(self, it: Document) -> Iterator[tuple[str, Row]]:
        details = (it.get("parent") or {}).get("subscription_details") or {}
        yield (
            "invoice_items",
            {
                **{
                    k: v for k, v in self._billed(it).items() if k not in ("product", "unit_amount")
                },
                "customer": id_of(it.get("customer")),
                "subscription": id_of(details.get("subscription")),
                "subscription_item": details.get("subscription_item"),
                "is_proration": bool(it.get("proration")),
                "is_credit": is_credit(it, it),
                "invoice": id_of(it.get("invoice")),
            },
        )

    def _billed(self, it: Document) -> Row:
        """What a line of an invoice and a pending item have in common."""
        code = code_of(it)
        pricing = it.get("pricing") or {}
        priced = pricing.get("price_details") or {}
        return {
            "source_id": it["id"],
            "price": id_of(priced.get("price")),
            "product": id_of(priced.get("product")),
            "quantity": exact(it, "quantity"),
            "amount": self.units.amount(it.get("amount"), code),
            "currency": code,
            "unit_amount": self.units.amount(exact(pricing, "unit_amount"), code),
            "period_start": it["period"]["start"],
            "period_end": it["period"]["end"],
        }

    def _invoice_payment(self, it: Document) -> Iterator[tuple[str, Row]]:
        code, payment = code_of(it), it.get("payment") or {}
        yield (
            "invoice_payments",
            {
                **same(it, "status", "created"),
                "invoice": id_of(it.get("invoice")),
                "amount_paid": self.units.amount(it.get("amount_paid"), code),
                "currency": code,
                "paid_at": (it.get("status_transitions") or {}).get("paid_at"),
                "payment_type": payment.get("type"),
                "charge": id_of(payment.get("charge")),
                "payment_intent": id_of(payment.get("payment_intent")),
            },
        )

    def _charge(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        yield (
            "charges",
            {
                **same(it, "status", "paid", "captured", "created"),
                "customer": id_of(it.get("customer")),
                "amount": self.units.amount(it.get("amount"), code),
                "amount_captured": self.units.amount(it.get("amount_captured"), code),
                "amount_refunded": self.units.amount(it.get("amount_refunded"), code),
                "currency": code,
                "payment_intent": id_of(it.get("payment_intent")),
            },
        )

    def _refund(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        yield (
            "refunds",
            {
                **same(it, "status", "created"),
                "charge": id_of(it.get("charge")),
                "payment_intent": id_of(it.get("payment_intent")),
                "amount": self.units.amount(it.get("amount"), code),
                "currency": code,
                "balance_transaction": id_of(it.get("balance_transaction")),
            },
        )

    def _dispute(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        moved = it.get("balance_transactions") or ()
        taken = [part for part in moved if part["amount"] < 0]
        first: Document = min(taken, key=lambda part: part["created"], default={})
        yield (
            "disputes",
            {
                **same(it, "status", "created"),
                "charge": id_of(it.get("charge")),
                "payment_intent": id_of(it.get("payment_intent")),
                "amount": self.units.amount(it.get("amount"), code),
                "currency": code,
                "withdrawn_at": first.get("created"),
                "balance_transaction": first.get("id"),
            },
        )

    def _credit_note(self, it: Document) -> Iterator[tuple[str, Row]]:
        code = code_of(it)
        yield (
            "credit_notes",
            {
                **same(it, "status", "type", "created", "effective_at", "voided_at"),
                "customer": id_of(it.get("customer")),
                "invoice": id_of(it.get("invoice")),
                **{
                    name: self.units.amount(it.get(name), code)
                    for name in ("amount", "post_payment_amount", "out_of_band_amount")
                },
                "currency": code,
                "customer_balance_transaction": id_of(it.get("customer_balance_transaction")),
            },
        )
        for part in it.get("refunds") or ():
            if refund := id_of(part.get("refund")):
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
        code = code_of(it)
        yield (
            "balance_transactions",
            {
                **same(
                    it, "exchange_rate", "type", "reporting_category", "created", "available_on"
                ),
                **{
                    name: self.units.amount(it.get(name), code) for name in ("amount", "fee", "net")
                },
                "currency": code,
                "source": id_of(it.get("source")),
            },
        )

    def _event(self, it: Document) -> Iterator[tuple[str, Row]]:
        about = it["data"]["object"]
        previous = it["data"].get("previous_attributes")
        yield (
            "events",
            {
                **same(it, "type", "created", "api_version"),
                "object": about.get("object"),
                "object_id": about.get("id"),
                "previous_attributes": as_json(previous)
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
        "coupon": id_of((it.get("source") or it).get("coupon")),
        "customer": id_of(it.get("customer")),
        "begins_at": it.get("start"),
        "ends_at": min(moment, it.get("end") or moment),
    }
    if subscription := id_of(it.get("subscription")):
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
