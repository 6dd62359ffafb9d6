"""What members of Stripe's objects say, in whichever of their forms."""

from __future__ import annotations

from typing import Any

import orjson

Document = dict[str, Any]
Row = dict[str, Any]


def same(found: Document, *names: str) -> Row:
    """The id, and members that raw has under their own names."""
    return {"source_id": found["id"], **{name: found.get(name) for name in names}}


def id_of(found: Any) -> Any:
    """The id of what may be expanded."""
    return found["id"] if isinstance(found, dict) else found


def code_of(found: Document) -> str | None:
    """The code of an object's currency, in capitals."""
    code = found.get("currency")
    return code.upper() if code else None


def exact(found: Document, name: str) -> Any:
    """A member with all its decimals, which Stripe tells in another one of `<name>_decimal`."""
    decimal = found.get(f"{name}_decimal")
    return found.get(name) if decimal is None else decimal


def as_json(found: Any) -> str | None:
    """What is kept whole, as text; nothing where it is empty."""
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode() if found else None


def subscription_of(invoice: Document) -> Any:
    """The id of the subscription that an invoice bills."""
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return id_of(details.get("subscription"))


def includes_tax(subscription: Document) -> bool:
    """Whether tax is in a price: by the rates that are given by hand, or else by the price."""
    items = subscription["items"]["data"]
    rates = [
        rate for it in (*items, subscription)
        for rate in it.get("tax_rates") or it.get("default_tax_rates") or ()
    ]  # fmt: skip
    if (subscription.get("automatic_tax") or {}).get("enabled"):
        return any((it.get("price") or {}).get("tax_behavior") == "inclusive" for it in items)
    return any(rate.get("inclusive") for rate in rates)


def is_credit(it: Document, details: Document) -> bool:
    """Whether something is given back: a downgrade's credit may be one of 0."""
    settled = details.get("proration_details") or {}
    return it["amount"] < 0 or bool(settled.get("credited_items"))
