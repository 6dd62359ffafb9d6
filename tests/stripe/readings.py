"""What Stripe's own SDK reads of an account, as the rows that raw should have of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import stripe
from books import KEY

DIGITS = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "kwd": 3}
"""Digits behind the point of the currencies of the sandbox."""

Row = dict[str, Any]


class Readings:
    """An account as the SDK reads it over HTTP; each table's rows by their id in raw."""

    def __init__(self, url: str, key: str = KEY, retries: int = 0) -> None:
        self.sdk = stripe.StripeClient(
            key, base_addresses={"api": url}, max_network_retries=retries
        )

    def listed(self, name: str, **params: Any) -> list[stripe.StripeObject]:
        """All of a list, page after page."""
        service = getattr(self.sdk.v1, name)
        return list(service.list({"limit": 100, **params}).auto_paging_iter())

    def tables(self) -> dict[str, dict[str, Row]]:
        """Every table of records that a load takes in as it is shown."""
        invoices = self.listed("invoices")
        notes = self.listed("credit_notes")
        prices = self.listed("prices", expand=["data.tiers"])
        subscriptions = self.listed(
            "subscriptions", status="all", expand=["data.discounts", "data.items.data.discounts"]
        )
        return {
            "customers": self._customers(subscriptions, invoices),
            "products": _rows(self.listed("products"), _product),
            "prices": _rows(prices, _price),
            "price_tiers": {
                f"{it['id']}/{position}": _tier(it, tier, position)
                for it in map(_plain, prices)
                for position, tier in enumerate(it.get("tiers") or (), 1)
            },
            "coupons": _rows(self.listed("coupons", expand=["data.applies_to"]), _coupon),
            "discounts": dict(_discounts(subscriptions)),
            "customer_discounts": {
                it["discount"]["id"]: {
                    "coupon": _id(it["discount"]["source"]["coupon"]), "customer": it["id"],
                    **_moments(it["discount"], "start"),
                }
                for it in map(_plain, self.listed("customers")) if it["discount"]
            },
            "subscriptions": _rows(subscriptions, _subscription),
            "invoices": _rows(invoices, _invoice),
            "invoice_lines": {
                line["id"]: _line(line, invoice.id)
                for invoice in invoices
                for line in map(_plain, invoice.lines.auto_paging_iter())
            },
            "invoice_items": _rows(self.listed("invoice_items", pending=True), _invoice_item),
            "invoice_payments": _rows(self.listed("invoice_payments"), _invoice_payment),
            "charges": _rows(self.listed("charges"), _charge),
            "refunds": _rows(self.listed("refunds"), _refund),
            "disputes": _rows(self.listed("disputes"), _dispute),
            "credit_notes": _rows(notes, _credit_note),
            "credit_note_refunds": {
                f"{it['id']}/{part['refund']}": {
                    "credit_note": it["id"], "refund": part["refund"],
                    "amount": _money(part["amount_refunded"], it),
                }
                for it in map(_plain, notes)
                for part in it["refunds"]
            },
            "balance_transactions": _rows(self.listed("balance_transactions"), _transaction),
        }  # fmt: skip

    def items(self) -> dict[str, dict[str, tuple[str, Decimal | None]]]:
        """Price and quantity of each item that each subscription has now."""
        return {
            it.id: {
                held["id"]: (held["price"]["id"], _number(held.get("quantity")))
                for held in map(_plain, it["items"].auto_paging_iter())
            }
            for it in self.listed("subscriptions", status="all")
        }

    def events(self) -> dict[str, Row]:
        """What happened in the last 30 days."""
        return _rows(self.listed("events"), _event)

    def _customers(
        self, subscriptions: list[stripe.StripeObject], invoices: list[stripe.StripeObject]
    ) -> dict[str, Row]:
        """Those listed, and those that are named only: deleted ones, as asking for them tells."""
        rows = _rows(self.listed("customers"), _customer)
        named = {it["customer"] for it in (*subscriptions, *invoices)}
        for id in sorted(named - rows.keys()):
            assert self.sdk.v1.customers.retrieve(id).deleted is True
            rows[id] = {"is_deleted": True}
        return rows


def _plain(it: stripe.StripeObject) -> Row:
    return it.to_dict(for_json=True)


def _rows(found: list[stripe.StripeObject], row: Any) -> dict[str, Row]:
    by_id = {it["id"]: row(it) for it in map(_plain, found)}
    assert len(by_id) == len(found)
    return by_id


def _moment(seconds: int | None) -> dt.datetime | None:
    return (
        None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)
    )


def _number(text: object) -> Decimal | None:
    return None if text is None else Decimal(str(text))


def _money(minor: object, it: Row) -> Decimal | None:
    return None if minor is None else Decimal(str(minor)).scaleb(-DIGITS[it["currency"]])


def _capitals(code: str | None) -> str | None:
    return code and code.upper()


def _metadata(it: Row) -> dict[str, str] | None:
    return it.get("metadata") or None


def _kept(it: Row, *names: str) -> Row:
    return {name: it.get(name) for name in names}


def _moments(it: Row, *names: str) -> Row:
    return {name: _moment(it.get(name)) for name in names}


def _amounts(it: Row, *names: str) -> Row:
    return {name: _money(it.get(name), it) for name in names}


def _id(it: Any) -> str | None:
    return it["id"] if isinstance(it, dict) else it


def _customer(it: Row) -> Row:
    return {
        **_kept(it, "name", "email"), "is_deleted": False, **_moments(it, "created"),
        "currency": _capitals(it.get("currency")),
        "account_id": (it.get("metadata") or {}).get("crm_company"),
        "metadata": _metadata(it),
    }  # fmt: skip


def _product(it: Row) -> Row:
    return _kept(it, "name", "active")


def _price(it: Row) -> Row:
    recurring, divided = it.get("recurring") or {}, it.get("transform_quantity") or {}
    return {
        **_kept(it, "product", "active", "type", "billing_scheme", "tiers_mode", "tax_behavior",
                "nickname"),
        **_kept(recurring, "interval", "interval_count", "usage_type"),
        **_kept(divided, "divide_by", "round"), **_moments(it, "created"),
        "currency": _capitals(it["currency"]), "unit_amount": _money(it["unit_amount_decimal"], it),
    }  # fmt: skip


def _tier(it: Row, tier: Row, position: int) -> Row:
    return {
        "price": it["id"], "position": position, "up_to": _number(tier["up_to"]),
        "unit_amount": _money(tier["unit_amount_decimal"], it),
        "flat_amount": _money(tier["flat_amount_decimal"], it),
    }  # fmt: skip


def _coupon(it: Row) -> Row:
    return {
        **_kept(it, "duration", "duration_in_months"), "percent_off": _number(it["percent_off"]),
        "amount_off": _money(it["amount_off"], it), "currency": _capitals(it["currency"]),
        "products": (it.get("applies_to") or {}).get("products"),
    }  # fmt: skip


def _discounts(subscriptions: list[stripe.StripeObject]) -> Iterator[tuple[str, Row]]:
    for it in map(_plain, subscriptions):
        own = [(found, None) for found in it["discounts"]]
        of_items = [(f, held["id"]) for held in it["items"]["data"] for f in held["discounts"]]
        for found, item in (*own, *of_items):
            yield found["id"], {
                "coupon": _id(found["source"]["coupon"]), "subscription": it["id"],
                "subscription_item": item, "begins_at": _moment(found["start"]),
                "ends_at": _moment(found["end"]),
            }  # fmt: skip


def _subscription(it: Row) -> Row:
    paused = it.get("pause_collection") or {}
    return {
        **_kept(it, "customer", "status", "cancel_at_period_end"),
        **_moments(it, "start_date", "created", "ended_at", "canceled_at", "cancel_at",
                   "trial_start", "trial_end"),
        "currency": _capitals(it["currency"]), "pause_behavior": paused.get("behavior"),
        "includes_tax": it["automatic_tax"]["enabled"]
        and "inclusive" in [held["price"]["tax_behavior"] for held in it["items"]["data"]],
        "pause_resumes_at": _moment(paused.get("resumes_at")), "metadata": _metadata(it),
    }  # fmt: skip


def _invoice(it: Row) -> Row:
    details = (it.get("parent") or {}).get("subscription_details") or {}
    return {
        **_kept(it, "customer", "status", "latest_revision", "customer_name", "customer_email"),
        **_moments(it, "created", "due_date", "effective_at"),
        **_moments(it["status_transitions"], "finalized_at", "paid_at", "voided_at",
                   "marked_uncollectible_at"),
        **_amounts(it, "total", "subtotal", "amount_due", "amount_paid", "amount_paid_off_stripe",
                   "amount_overpaid", "amount_remaining", "starting_balance",
                   "post_payment_credit_notes_amount"),
        "subscription": details.get("subscription"), "currency": _capitals(it["currency"]),
        "tax": _taxes(it),
        "opportunity_id": (it.get("metadata") or {}).get("crm_deal"), "metadata": _metadata(it),
    }  # fmt: skip


def _taxes(it: Row) -> Decimal | None:
    taxes = it.get("total_taxes")
    if taxes is None:
        return None
    return sum((_money(tax["amount"], it) or Decimal() for tax in taxes), Decimal())


def _line(it: Row, invoice: str) -> Row:
    kind = it["parent"]["type"]
    details, pricing = it["parent"][kind], it.get("pricing") or {}
    named = pricing.get("price_details") or {}
    proration = details.get("proration_details") or {}
    return {
        **_kept(it, "description"), **_amounts(it, "amount"), "invoice": invoice,
        "discount": _money(sum(part["amount"] for part in it["discount_amounts"]), it),
        "subscription": details.get("subscription"),
        "subscription_item": details.get("subscription_item"),
        "price": _id(named.get("price")), "product": named.get("product"),
        "quantity": _number(it["quantity"]), "currency": _capitals(it["currency"]),
        "unit_amount": _money(pricing.get("unit_amount_decimal"), it),
        "period_start": _moment(it["period"]["start"]), "period_end": _moment(it["period"]["end"]),
        "is_proration": details["proration"], "parent_type": kind,
        "is_credit": it["amount"] < 0 or bool(proration.get("credited_items")),
    }  # fmt: skip


def _invoice_item(it: Row) -> Row:
    parent, named = it.get("parent") or {}, (it.get("pricing") or {}).get("price_details") or {}
    details = parent.get("subscription_details") or {}
    return {
        **_kept(it, "customer", "invoice"), **_amounts(it, "amount"),
        "subscription": details.get("subscription"),
        "subscription_item": details.get("subscription_item"),
        "price": _id(named.get("price")), "quantity": _number(it["quantity"]),
        "currency": _capitals(it["currency"]), "is_proration": it["proration"],
        "period_start": _moment(it["period"]["start"]), "period_end": _moment(it["period"]["end"]),
    }  # fmt: skip


def _invoice_payment(it: Row) -> Row:
    payment = it["payment"]
    return {
        **_kept(it, "invoice", "status"), **_amounts(it, "amount_paid"), **_moments(it, "created"),
        "currency": _capitals(it["currency"]), "payment_type": payment["type"],
        "paid_at": _moment(it["status_transitions"]["paid_at"]),
        "charge": _id(payment.get("charge")), "payment_intent": _id(payment.get("payment_intent")),
    }  # fmt: skip


def _charge(it: Row) -> Row:
    return {
        **_kept(it, "customer", "status", "paid", "captured", "payment_intent"),
        **_moments(it, "created"),
        **_amounts(it, "amount", "amount_captured", "amount_refunded"),
        "currency": _capitals(it["currency"]),
    }  # fmt: skip


def _refund(it: Row) -> Row:
    return {
        **_kept(it, "charge", "payment_intent", "status", "balance_transaction"),
        **_moments(it, "created"),
        **_amounts(it, "amount"), "currency": _capitals(it["currency"]),
    }  # fmt: skip


def _dispute(it: Row) -> Row:
    return {
        **_kept(it, "charge", "payment_intent", "status"), **_moments(it, "created"),
        **_amounts(it, "amount"), "currency": _capitals(it["currency"]),
    }  # fmt: skip


def _credit_note(it: Row) -> Row:
    return {
        **_kept(it, "customer", "invoice", "status", "type", "customer_balance_transaction"),
        **_amounts(it, "amount", "post_payment_amount", "out_of_band_amount"),
        **_moments(it, "created", "effective_at", "voided_at"),
        "currency": _capitals(it["currency"]),
    }  # fmt: skip


def _transaction(it: Row) -> Row:
    return {
        **_kept(it, "type", "reporting_category", "source"), **_amounts(it, "amount", "fee", "net"),
        **_moments(it, "created", "available_on"), "currency": _capitals(it["currency"]),
        "exchange_rate": _number(it["exchange_rate"]),
    }  # fmt: skip


def _event(it: Row) -> Row:
    about = it["data"]["object"]
    return {
        **_kept(it, "type", "api_version"), **_moments(it, "created"),
        "object": about["object"], "object_id": about["id"],
    }  # fmt: skip


def as_read(name: str, value: Any) -> Any:
    """A value of raw as the SDK tells it: what is kept as JSON text is what the text says."""
    if name in ("metadata", "products") and value is not None:
        return json.loads(value) or None
    return value
