"""Objects as Stripe shows them: all that its types ask for, and what a test says of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._stripe_object import UntypedStripeObject
from typed import class_of, hints

Document = dict[str, Any]


def unix(moment: str) -> int:
    """A moment (ISO, UTC) as Stripe tells it."""
    return int(dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC).timestamp())


def document(object_name: str, **told: Any) -> Document:
    """An object of which only this is told: what need not be there is null, the rest is empty."""
    return {**_blank(class_of(object_name)), "object": object_name, **told}


def page_of(found: Iterable[Document], url: str) -> Document:
    """A list within an object, which holds ten at most."""
    everything = list(found)
    return {
        "object": "list", "data": everything[:10], "has_more": len(everything) > 10, "url": url,
    }  # fmt: skip


def _blank(cls: type) -> Document:
    return {name: _empty(hint) for name, hint in hints(cls).items() if name != "deleted"}


def _empty(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or NoneType in arguments:
        return None
    if origin is Union:
        return _empty(str if str in arguments and Literal not in map(get_origin, arguments)
                      else arguments[0])  # fmt: skip
    if origin is Literal:
        return arguments[0]
    if origin is list:
        return []
    if origin is ListObject:
        return page_of((), "/v1/nothing")
    if hint is Decimal:
        return "0"
    if hint is UntypedStripeObject or origin in (UntypedStripeObject, dict):
        return {}
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return _blank(hint)
    return hint()


def customer(id: str, **told: Any) -> Document:
    """A customer."""
    return document("customer", **{"id": id, "name": id, "email": f"{id}@example.com", **told})


def product(id: str, **told: Any) -> Document:
    """A product."""
    return document("product", **{"id": id, "name": id, "active": True, **told})


def price(
    id: str, amount: int | None, currency: str = "usd", interval: str = "month", **told: Any
) -> Document:
    """A price of a product of its own, by month where nothing is said."""
    return document(
        "price",
        **{
            "id": id, "product": f"prod_{id}", "currency": currency, "active": True,
            "type": "recurring", "billing_scheme": "per_unit", "unit_amount": amount,
            "unit_amount_decimal": None if amount is None else str(amount),
            "recurring": {
                "interval": interval, "interval_count": 1, "meter": None, "usage_type": "licensed",
                "trial_period_days": None,
            },
            **told,
        },
    )  # fmt: skip


def item(id: str, of: Document, quantity: int | None = 1, **told: Any) -> Document:
    """A subscription's item of a price."""
    plan = document(
        "plan", id=of["id"], amount=of["unit_amount"], amount_decimal=of["unit_amount_decimal"],
        currency=of["currency"], billing_scheme=of["billing_scheme"], product=of["product"],
        interval=of["recurring"]["interval"], interval_count=of["recurring"]["interval_count"],
    )  # fmt: skip
    return document(
        "subscription_item", **{"id": id, "price": of, "plan": plan, "quantity": quantity, **told}
    )


def subscription(id: str, customer: str, items: Iterable[Document], **told: Any) -> Document:
    """An active subscription to items."""
    held = [{**it, "subscription": id} for it in items]
    return document(
        "subscription",
        **{
            "id": id, "customer": customer, "status": "active",
            "currency": held[0]["price"]["currency"],
            "items": {
                "object": "list", "data": held, "has_more": False,
                "url": f"/v1/subscription_items?subscription={id}",
            },
            **told,
        },
    )  # fmt: skip


def line(
    id: str, amount: int, start: str, end: str, of: Document | None = None, quantity: int = 1,
    subscription: str | None = None, item: str | None = None, is_proration: bool = False,
    credited: bool = False, **told: Any,
) -> Document:  # fmt: skip
    """A line of an invoice; of a subscription's item where one is named."""
    kind = "subscription_item_details" if item else "invoice_item_details"
    credit = {"credited_items": {"invoice": "in_before", "invoice_line_items": ["il_before"]}}
    details: Document = {
        "invoice_item": None if item else f"ii_{id}", "proration": is_proration,
        "proration_details": credit if credited else None, "subscription": subscription,
    }  # fmt: skip
    if item:
        details["subscription_item"] = item
    parent = {"type": kind, "invoice_item_details": None, "subscription_item_details": None}
    pricing = of and {
        "type": "price_details", "unit_amount_decimal": of["unit_amount_decimal"],
        "price_details": {"price": of["id"], "product": of["product"]},
    }  # fmt: skip
    return document(
        "line_item",
        **{
            "id": id, "amount": amount, "subtotal": amount, "quantity": quantity,
            "currency": of["currency"] if of else "usd", "subscription": subscription,
            "period": {"start": unix(start), "end": unix(end)}, "pricing": pricing,
            "parent": {**parent, kind: details}, **told,
        },
    )  # fmt: skip


def invoice(
    id: str, customer: str, lines: Iterable[Document], status: str = "open", tax: int = 0,
    subscription: str | None = None, finalized_at: str | None = None, **told: Any,
) -> Document:  # fmt: skip
    """An invoice over lines; of a subscription where one is named."""
    held = [{**it, "invoice": id} for it in lines]
    subtotal = sum(it["amount"] for it in held)
    paid = told.get("amount_paid", 0)
    transitions = {
        "finalized_at": finalized_at and unix(finalized_at), "paid_at": None, "voided_at": None,
        "marked_uncollectible_at": None,
    }  # fmt: skip
    parent = {
        "type": "subscription_details", "quote_details": None,
        "subscription_details": {"metadata": None, "subscription": subscription},
    }  # fmt: skip
    return document(
        "invoice",
        **{
            "id": id, "customer": customer, "status": status,
            "currency": held[0]["currency"] if held else "usd", "subtotal": subtotal,
            "total": subtotal + tax, "amount_due": subtotal + tax, "amount_paid": paid,
            "amount_remaining": subtotal + tax - paid, "status_transitions": transitions,
            "effective_at": transitions["finalized_at"],
            "parent": parent if subscription else None,
            "lines": {
                "object": "list", "data": held, "has_more": False, "url": f"/v1/invoices/{id}/lines"
            },
            "total_taxes": [_tax(tax)] if tax else [],
            **told,
        },
    )  # fmt: skip


def _tax(amount: int) -> Document:
    return {
        "amount": amount, "tax_behavior": "exclusive", "tax_rate_details": None,
        "taxability_reason": "standard_rated", "taxable_amount": None, "type": "tax_rate_details",
    }  # fmt: skip


def paid(invoice: Document, at: str) -> Document:
    """What is different of an invoice when all of it has been paid."""
    return {
        "status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0,
        "status_transitions": {**invoice["status_transitions"], "paid_at": unix(at)},
    }  # fmt: skip


def invoice_payment(id: str, invoice: str, amount: int, at: str, **told: Any) -> Document:
    """A payment of an invoice by a charge."""
    return document(
        "invoice_payment",
        **{
            "id": id, "invoice": invoice, "amount_paid": amount, "amount_requested": amount,
            "currency": "usd", "is_default": True, "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": unix(at)},
            "payment": {"type": "charge", "charge": f"ch_{id}"}, **told,
        },
    )  # fmt: skip


def invoice_item(
    id: str, customer: str, amount: int, start: str, end: str, of: Document, subscription: str,
    item: str, **told: Any,
) -> Document:  # fmt: skip
    """What waits for the next invoice of a subscription: it settles a change amid a period."""
    return document(
        "invoiceitem",
        **{
            "id": id, "customer": customer, "amount": amount, "currency": of["currency"],
            "quantity": 1, "quantity_decimal": "1", "proration": True,
            "period": {"start": unix(start), "end": unix(end)},
            "pricing": {
                "type": "price_details", "unit_amount_decimal": of["unit_amount_decimal"],
                "price_details": {"price": of["id"], "product": of["product"]},
            },
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": subscription, "subscription_item": item},
            },
            **told,
        },
    )  # fmt: skip


def charge(id: str, customer: str | None, amount: int, **told: Any) -> Document:
    """A charge that succeeded."""
    return document(
        "charge",
        **{
            "id": id, "customer": customer, "amount": amount, "amount_captured": amount,
            "currency": "usd", "status": "succeeded", "paid": True, "captured": True, **told,
        },
    )  # fmt: skip


def refund(id: str, charge: str, amount: int, **told: Any) -> Document:
    """A refund of a charge that succeeded."""
    return document(
        "refund",
        **{
            "id": id, "charge": charge, "amount": amount, "currency": "usd",
            "status": "succeeded", **told,
        },
    )  # fmt: skip


def dispute(id: str, of: Document, amount: int, status: str, **told: Any) -> Document:
    """A dispute of a charge."""
    return document(
        "dispute",
        **{
            "id": id, "charge": of["id"], "payment_intent": of["payment_intent"], "amount": amount,
            "currency": of["currency"], "status": status, **told,
        },
    )  # fmt: skip


def credit_note(id: str, invoice: Document, amount: int, **told: Any) -> Document:
    """A credit note on an invoice."""
    return document(
        "credit_note",
        **{
            "id": id, "invoice": invoice["id"], "customer": invoice["customer"], "amount": amount,
            "total": amount, "subtotal": amount, "currency": invoice["currency"],
            "status": "issued", "type": "pre_payment", "pre_payment_amount": amount, **told,
        },
    )  # fmt: skip


def coupon(id: str, **told: Any) -> Document:
    """A coupon."""
    return document("coupon", **{"id": id, "duration": "forever", "valid": True, **told})


def discount(id: str, of: Document, subscription: str | None, start: str, **told: Any) -> Document:
    """What a coupon takes off a subscription, or all that a customer has."""
    return document(
        "discount",
        **{
            "id": id, "source": {"type": "coupon", "coupon": of}, "subscription": subscription,
            "start": unix(start), **told,
        },
    )  # fmt: skip
