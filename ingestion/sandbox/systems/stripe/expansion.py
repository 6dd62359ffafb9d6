"""`expand`: objects in place of their ids, and what is only shown when asked for."""

from __future__ import annotations

from typing import Any

from ingestion.sandbox.systems.stripe.account import Account
from ingestion.sandbox.systems.stripe.collections import Document
from ingestion.sandbox.systems.stripe.errors import StripeError

DEPTH = 4


def expand(account: Account, document: Document, path: str) -> None:
    """Put objects in the place of the ids that a path leads to, as `data.customer`.

    The tiers of prices are shown only so; the coupons here apply to all products.
    """
    names = path.split(".")
    if len(names) - (names[0] == "data") > DEPTH:
        raise StripeError(
            f"You cannot expand more than {DEPTH} levels of a property", None, "expand"
        )
    _expand(account, document, names, path)


def _expand(account: Account, value: Any, names: list[str], path: str) -> None:
    if isinstance(value, list):
        for found in value:
            _expand(account, found, names, path)
        return
    if not isinstance(value, dict):
        return
    name, rest = names[0], names[1:]
    if (value.get("object"), name) == ("price", "tiers"):
        value["tiers"] = account.tiers(value["id"])
        return
    if (value.get("object"), name) == ("coupon", "applies_to"):
        return
    if name not in value:
        raise StripeError(f"This property cannot be expanded ({path}).", None, "expand[]")
    held = value[name]
    if isinstance(held, str):
        value[name] = _object(account, held, path)
    elif isinstance(held, list) and held and isinstance(held[0], str):
        value[name] = [_object(account, found, path) for found in held]
    elif not rest and not isinstance(held, dict | list | None):
        raise StripeError(f"This property cannot be expanded ({path}).", None, "expand[]")
    if rest:
        _expand(account, value[name], rest, path)


def _object(account: Account, object_id: str, path: str) -> Document:
    found = account.read(object_id)
    if found is None:
        raise StripeError(f"This property cannot be expanded ({path}).", None, "expand[]")
    return found
