"""What Stripe's own types say of a request: the SDK's parameters are made from Stripe's OpenAPI."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    _eval_type,
    get_args,
    get_origin,
    get_type_hints,
)
from urllib.parse import parse_qsl

import stripe
from stripe import ListObject, RequestOptions, StripeObject
from typed import hints

OBJECTS = {
    "customers": "Customer", "products": "Product", "prices": "Price", "coupons": "Coupon",
    "subscriptions": "Subscription", "subscription_items": "SubscriptionItem",
    "invoices": "Invoice", "invoiceitems": "InvoiceItem", "invoice_payments": "InvoicePayment",
    "charges": "Charge", "refunds": "Refund", "credit_notes": "CreditNote",
    "disputes": "Dispute",
    "balance_transactions": "BalanceTransaction", "events": "Event",
}  # fmt: skip
"""What each list has, as the SDK calls it."""
LINES = {"invoices": "InvoiceLineItem", "credit_notes": "CreditNoteLineItem"}
ON_DEMAND = {("Price", "tiers"), ("Price", "currency_options"), ("Coupon", "applies_to")}
"""What may be expanded though it is no other object."""
DEEPEST = 4
MOST_TYPES = 20


def refusals(path: str, query: str) -> list[str]:
    """All that Stripe would refuse of a request to read: `path: what is wrong`."""
    match path.removeprefix("/v1/").split("/"):
        case [name] if name in OBJECTS:
            return [*_refused(path, query, OBJECTS[name], "List")]
        case [name, _] if name in OBJECTS:
            return [*_refused(path, query, OBJECTS[name], "Retrieve")]
        case [name, _, "lines"] if name in LINES:
            return [*_refused(path, query, LINES[name], "List")]
    return [f"{path}: nobody knows this address"]


def _refused(path: str, query: str, object_name: str, verb: str) -> Iterator[str]:
    params = getattr(stripe.params, f"{object_name}{verb}Params")
    names = vars(sys.modules[params.__module__])
    known = {
        name: _eval_type(hint, names, names)
        for name, hint in params.__annotations__.items()
        if name not in RequestOptions.__annotations__
    }
    asked = parse_qsl(query, keep_blank_values=True)
    for key, value in asked:
        name, *within = re.findall(r"[^\[\]]+|\[\]", key)
        if name not in known:
            yield f"{path}: {key}: {params.__name__} has no such parameter"
        elif not _fits(within, value, known[name]):
            yield f"{path}: {key}={value}: is no {known[name]}"
        if name == "expand" and (problem := _unexpandable(value, object_name, verb)):
            yield f"{path}: {key}={value}: {problem}"
        if name == "limit" and not (value.isdigit() and 1 <= int(value) <= 100):
            yield f"{path}: {key}={value}: is not within 1 and 100"
    if sum(key.startswith("types[") for key, _ in asked) > MOST_TYPES:
        yield f"{path}: more than {MOST_TYPES} types"
    given = {re.split(r"\[", key)[0] for key, _ in asked}
    for name in params.__required_keys__ - given:
        yield f"{path}: {name} has to be given"


def _fits(within: list[str], value: str, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _fits(within, value, arguments[0])
    if origin in (Union, UnionType):
        words = [choice for choice in arguments if get_origin(choice) is Literal]
        choices = [it for it in arguments if it is not str] if words else arguments
        return any(_fits(within, value, choice) for choice in choices)
    if origin is list:
        return bool(within) and _fits(within[1:], value, arguments[0])
    if isinstance(hint, type) and hasattr(hint, "__required_keys__"):
        known = get_type_hints(hint)
        return bool(within) and within[0] in known and _fits(within[1:], value, known[within[0]])
    if within:
        return False
    if origin is Literal:
        return value in arguments
    if hint is bool:
        return value in ("true", "false")
    return bool(re.fullmatch(r"-?\d+", value)) if hint is int else bool(value)


def _unexpandable(path: str, object_name: str, verb: str) -> str | None:
    """Why a path cannot be expanded; None where it can."""
    steps = path.split(".")
    if len(steps) > DEEPEST:
        return f"goes deeper than {DEEPEST}"
    if verb == "List":
        first, *steps = steps
        if first != "data" or not steps:
            return "what a list has is under data"
    classes: list[type] = [getattr(stripe, object_name)]
    is_list = False
    for position, step in enumerate(steps):
        [cls, *_] = classes
        if step == "data" and is_list:
            continue
        if step not in hints(cls):
            return f"{cls.__qualname__} has no {step}"
        hint = hints(cls)[step]
        is_list = "ListObject" in str(hint)
        classes = [it for it in _parts(hint) if isinstance(it, type)]
        is_last = position == len(steps) - 1
        is_on_demand = (cls.__qualname__, step) in ON_DEMAND
        within = [it for it in classes if issubclass(it, StripeObject)]
        if is_last and not is_on_demand and not (str in classes and within):
            return f"{step} is there as it is"
        classes = within
        if not is_last and not within:
            return f"{step} has nothing in it"
    return None


def _parts(hint: Any) -> Iterator[Any]:
    """The types that a value may be, or be a list of."""
    if get_origin(hint) in (Union, list, ListObject):
        for part in get_args(hint):
            yield from _parts(part)
    else:
        yield hint
