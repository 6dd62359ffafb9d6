"""The recurring revenue of a subscription, worked out of the object as Stripe serves it.

Written from Stripe's documentation alone, and with fractions: it knows nothing of the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

Object = Mapping[str, Any]

DIGITS = {"usd": 2, "eur": 2, "jpy": 0, "kwd": 3}
COUNTED = ("active", "past_due")
VOIDING = ("void", "mark_uncollectible")
PER_MONTH = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}


def counts(subscription: Object) -> bool:
    """Whether it brings recurring revenue as it is."""
    pause = subscription["pause_collection"]
    held = bool(pause) and pause["behavior"] in VOIDING
    return subscription["status"] in COUNTED and not held


def monthly(subscription: Object) -> Fraction:
    """What it brings in a month, whether or not that counts, in units of its currency."""
    items = subscription["items"]["data"]
    currency = subscription["currency"]
    left = {item["id"]: _of_item(item, currency) for item in items}
    for item in items:
        for discount in item["discounts"]:
            left = _less(left, discount, [item], currency)
    for discount in subscription["discounts"]:
        left = _less(left, discount, items, currency)
    return sum(left.values(), Fraction(0))


def rounded(amount: Fraction) -> Decimal:
    """To six digits, half up."""
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _of_item(item: Object, currency: str) -> Fraction:
    price = item["price"]
    recurring = price["recurring"]
    if recurring["usage_type"] == "metered":
        return Fraction(0)
    amount = _charged(price, item["quantity"], currency)
    return amount * PER_MONTH[recurring["interval"]] / recurring["interval_count"]


def _charged(price: Object, quantity: int, currency: str) -> Fraction:
    """What a bill says of a quantity."""
    in_major = Fraction(1, 10 ** DIGITS[currency])
    if price["billing_scheme"] == "tiered":
        tiers = price["tiers"]
        if price["tiers_mode"] == "volume":
            return _volume(tiers, quantity) * in_major
        return _graduated(tiers, quantity) * in_major
    of_currency = price
    if price["currency"] != currency:
        of_currency = price["currency_options"][currency]
    packages = Fraction(quantity)
    if transform := price["transform_quantity"]:
        divided = Fraction(quantity, transform["divide_by"])
        packages = Fraction(ceil(divided) if transform["round"] == "up" else floor(divided))
    return packages * Fraction(of_currency["unit_amount_decimal"]) * in_major


def _volume(tiers: Sequence[Object], quantity: int) -> Fraction:
    for tier in tiers:
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            return quantity * _decimal(tier, "unit_amount") + _decimal(tier, "flat_amount")
    raise AssertionError("the last tier takes the rest")


def _graduated(tiers: Sequence[Object], quantity: int) -> Fraction:
    """Unit by unit; the first tier's flat amount is charged for none, too."""
    total = _decimal(tiers[0], "flat_amount")
    tier = 0
    for unit in range(1, quantity + 1):
        while tiers[tier]["up_to"] is not None and unit > tiers[tier]["up_to"]:
            tier += 1
            total += _decimal(tiers[tier], "flat_amount")
        total += _decimal(tiers[tier], "unit_amount")
    return total


def _decimal(tier: Object, name: str) -> Fraction:
    return Fraction(tier[f"{name}_decimal"] or 0)


def _less(
    left: Mapping[str, Fraction], discount: Object, items: Sequence[Object], currency: str
) -> dict[str, Fraction]:
    """What a discount that goes on for ever leaves of each item."""
    coupon = discount["source"]["coupon"]
    only = (coupon.get("applies_to") or {}).get("products")
    concerned = [it for it in items if only is None or it["price"]["product"] in only]
    if coupon["duration"] != "forever" or not concerned:
        return dict(left)
    after = dict(left)
    if coupon["percent_off"] is not None:
        for item in concerned:
            after[item["id"]] *= 1 - Fraction(str(coupon["percent_off"])) / 100
        return after
    fastest = max(
        PER_MONTH[it["price"]["recurring"]["interval"]] / it["price"]["recurring"]["interval_count"]
        for it in concerned
    )
    off = Fraction(coupon["amount_off"], 10 ** DIGITS[currency]) * fastest
    total = sum((left[it["id"]] for it in concerned), Fraction(0))
    kept = max(total - off, Fraction(0)) / total if total else Fraction(1)
    for item in concerned:
        after[item["id"]] *= kept
    return after
