"""Products, prices, coupons and discounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingestion.sandbox.systems.stripe.books import SECOND, Books, second, seconds
from ingestion.sandbox.systems.stripe.collections import Document, Filter, Ids, Kind, Mask
from ingestion.sandbox.systems.stripe.customers import IDS as CUSTOMERS
from ingestion.sandbox.systems.stripe.money import CODES, minor
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.world.calendar import DAY, START, Ints, day_number
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import COUPONS, CURRENCIES, NULL, PLANS, PRODUCTS, TIERS

OPENED_AT = (day_number(START) - 400) * DAY
"""When the account was opened, with its products and coupons: before its first customer."""
ONE_OFF_PRICES = len(PRODUCTS) * len(CURRENCIES)
"""Prices of what is billed once come before those of subscriptions: one by product and currency."""
PRODUCT_IDS = Ids("prod_", 10_000_001)
PRICE_IDS = Ids("price_", FIRST_ID["subscriptions"])
SUBSCRIPTION_IDS = Ids("sub_", FIRST_ID["subscriptions"])
DISCOUNT_IDS = Ids("di_", FIRST_ID["subscriptions"])


@dataclass(frozen=True)
class Names:
    """Ids that are names."""

    names: Sequence[str]

    def of(self, key: int) -> str:
        """The id of a key."""
        return self.names[key]

    def key(self, object_id: str) -> int | None:
        """The key of an id; none where there is none."""
        return self.names.index(object_id) if object_id in self.names else None


def _coupon_keys() -> list[tuple[int, int]]:
    """A coupon of the world, and the currency of the amount that it takes off; -1 for a share."""
    return [
        (number, currency)
        for number, coupon in enumerate(COUPONS)
        for currency in (range(len(CURRENCIES)) if coupon.amount else (-1,))
    ]


COUPON_KEYS = _coupon_keys()
COUPON_IDS = Names(
    [
        COUPONS[number].label.replace(" ", "-") + (f"-{CODES[currency]}" if currency >= 0 else "")
        for number, currency in COUPON_KEYS
    ]
)


def products(books: Books) -> Kind:
    """The products."""

    def of_ids(question: Question, name: str) -> Mask:
        return np.array([PRODUCT_IDS.of(key) in question.lists[name] for key in range(4)])

    return Kind(
        "products", "product", PRODUCT_IDS, np.full(len(PRODUCTS), OPENED_AT // SECOND),
        lambda key, at: product(key),
        {"active": is_true(len(PRODUCTS)), "ids[]": of_ids},
    )  # fmt: skip


def product(key: int) -> Document:
    """A product, which has the name of the plan that it is sold by."""
    return {
        "id": PRODUCT_IDS.of(key), "object": "product", "active": True,
        "created": OPENED_AT // SECOND, "default_price": None, "description": None, "images": [],
        "livemode": False, "marketing_features": [], "metadata": {}, "name": PLANS[key],
        "package_dimensions": None, "shippable": None, "statement_descriptor": None,
        "tax_code": None, "type": "service", "unit_label": None,
        "updated": OPENED_AT // SECOND, "url": None,
    }  # fmt: skip


def prices(books: Books) -> Kind:
    """The prices of what is billed once, and those that subscriptions have or had."""
    subscriptions = books["subscriptions"]
    rows = np.arange(len(subscriptions))
    created = np.concatenate(
        [np.full(ONE_OFF_PRICES, OPENED_AT // SECOND), seconds(subscriptions["started_at"])]
    )
    one_off = np.arange(ONE_OFF_PRICES)
    product_of = np.concatenate([one_off % len(PRODUCTS), subscriptions["plan"]])
    currency_of = np.concatenate([one_off // len(PRODUCTS), subscriptions["currency"]])
    is_recurring = np.arange(len(created)) >= ONE_OFF_PRICES

    def of_type(question: Question, name: str) -> Mask:
        return is_recurring == (question.single[name] == "recurring")

    def of_currency(question: Question, name: str) -> Mask:
        return one_of(currency_of, CODES, question.single[name])

    def of_product(question: Question, name: str) -> Mask:
        key = PRODUCT_IDS.key(question.single[name])
        return np.asarray(product_of == (-1 if key is None else key))

    return Kind(
        "prices", "price", PRICE_IDS, created, lambda key, at: price(books, key),
        {"active": is_true(len(created)), "type": of_type, "currency": of_currency,
         "product": of_product},
        present=np.concatenate([one_off >= 0, books.price_row == rows]),
    )  # fmt: skip


def price_key(books: Books, row: int) -> int:
    """The key of the price of a row of subscriptions."""
    return int(books.price_row[row]) + ONE_OFF_PRICES


def one_off_price_id(product_number: int, currency: int) -> str:
    """The price of what is billed once."""
    return PRICE_IDS.of(currency * len(PRODUCTS) + product_number)


def price(books: Books, key: int) -> Document:
    """A price: of a subscription, by the unit or graduated; or of what is billed once."""
    document: Document = {
        "id": PRICE_IDS.of(key), "object": "price", "active": True, "billing_scheme": "per_unit",
        "created": OPENED_AT // SECOND, "currency": "", "custom_unit_amount": None,
        "livemode": False, "lookup_key": None, "metadata": {}, "nickname": None, "product": "",
        "recurring": None, "tax_behavior": "exclusive", "tiers_mode": None,
        "transform_quantity": None, "type": "one_time", "unit_amount": None,
        "unit_amount_decimal": None,
    }  # fmt: skip
    if key < ONE_OFF_PRICES:
        anything = {"maximum": None, "minimum": None, "preset": None}
        return document | {
            "currency": CODES[key // len(PRODUCTS)], "custom_unit_amount": anything,
            "product": PRODUCT_IDS.of(key % len(PRODUCTS)),
        }  # fmt: skip
    subscriptions, row = books["subscriptions"], key - ONE_OFF_PRICES
    currency = int(subscriptions["currency"][row])
    return document | {
        "created": int(subscriptions["started_at"][row]) // SECOND, "currency": CODES[currency],
        "nickname": PLANS[subscriptions["plan"][row]],
        "product": PRODUCT_IDS.of(int(subscriptions["plan"][row])),
        "recurring": {
            "interval": interval(books, row), "interval_count": 1, "meter": None,
            "trial_period_days": None, "usage_type": "licensed",
        },
        "type": "recurring",
        **_amounts(books, row, currency),
    }  # fmt: skip


def _amounts(books: Books, row: int, currency: int) -> Document:
    subscriptions = books["subscriptions"]
    if subscriptions["is_tiered"][row]:
        return {"billing_scheme": "tiered", "tiers_mode": "graduated"}
    amount = minor(int(subscriptions["unit_amount"][row]), currency)
    return {"unit_amount": amount, "unit_amount_decimal": str(amount)}


def interval(books: Books, row: int) -> str:
    """The billing interval of a row of subscriptions."""
    return "year" if books["subscriptions"]["is_annual"][row] else "month"


def tiers(books: Books, key: int) -> list[Document] | None:
    """The bands of a graduated price; none of another."""
    row = key - ONE_OFF_PRICES
    if row < 0 or not books["subscriptions"]["is_tiered"][row]:
        return None
    currency = int(books["subscriptions"]["currency"][row])
    bands = [(tier.up_to, minor(tier.unit, currency), minor(tier.flat, currency)) for tier in TIERS]
    return [
        {
            "flat_amount": flat or None, "flat_amount_decimal": str(flat) if flat else None,
            "unit_amount": unit, "unit_amount_decimal": str(unit), "up_to": up_to,
        }
        for up_to, unit, flat in bands
    ]  # fmt: skip


def plan(books: Books, key: int) -> Document:
    """A price as the older object that items still hold beside it."""
    shown = price(books, key)
    same = ("id", "active", "billing_scheme", "created", "currency", "livemode", "metadata",
            "nickname", "product", "tiers_mode")  # fmt: skip
    recurring = shown["recurring"]
    return {
        **{name: shown[name] for name in same}, "object": "plan",
        "amount": shown["unit_amount"], "amount_decimal": shown["unit_amount_decimal"],
        "interval": recurring["interval"], "interval_count": recurring["interval_count"],
        "meter": None, "transform_usage": None, "trial_period_days": None,
        "usage_type": recurring["usage_type"],
    }  # fmt: skip


def coupons(books: Books) -> Kind:
    """The coupons; those that take off an amount are one for each currency."""
    return Kind(
        "coupons", "coupon", COUPON_IDS, np.full(len(COUPON_KEYS), OPENED_AT // SECOND),
        lambda key, at: coupon(key),
    )  # fmt: skip


def coupon(key: int) -> Document:
    """A coupon."""
    number, currency = COUPON_KEYS[key]
    held = COUPONS[number]
    return {
        "id": COUPON_IDS.of(key), "object": "coupon",
        "amount_off": minor(held.amount[currency], currency) if held.amount else None,
        "created": OPENED_AT // SECOND, "currency": CODES[currency] if held.amount else None,
        "duration": "repeating" if held.months else "forever",
        "duration_in_months": held.months, "livemode": False, "max_redemptions": None,
        "metadata": {}, "name": held.label.capitalize(),
        "percent_off": None if held.amount else float(held.percent), "redeem_by": None,
        "times_redeemed": 0, "valid": True,
    }  # fmt: skip


def discounts(books: Books) -> Kind:
    """The discounts of subscriptions. Stripe has no list of them."""
    subscriptions = books["subscriptions"]
    return Kind(
        "discounts", "discount", DISCOUNT_IDS, seconds(subscriptions["started_at"]),
        lambda key, at: discount(books, key),
        present=books.discount == np.arange(len(subscriptions)),
    )  # fmt: skip


def discount(books: Books, row: int) -> Document:
    """A coupon on a subscription, by the row with which it began."""
    subscriptions = books["subscriptions"]
    number, currency = int(subscriptions["coupon"][row]), int(subscriptions["currency"][row])
    key = COUPON_KEYS.index((number, currency if COUPONS[number].amount else -1))
    return {
        "id": DISCOUNT_IDS.of(row), "object": "discount", "checkout_session": None,
        "customer": CUSTOMERS.of(int(subscriptions["customer_id"][row])),
        "customer_account": None, "end": second(int(books.discount_ends[row])), "invoice": None,
        "invoice_item": None, "promotion_code": None,
        "source": {"type": "coupon", "coupon": COUPON_IDS.of(key)},
        "start": int(subscriptions["started_at"][row]) // SECOND,
        "subscription": SUBSCRIPTION_IDS.of(int(books.chain[row])), "subscription_item": None,
    }  # fmt: skip


def holding(books: Books, row: int, at: int) -> list[str]:
    """The ids of the discounts that a subscription in a row has at a moment."""
    first = int(books.discount[row])
    if first < 0:
        return []
    removed = int(books.discount_removed[first])
    return [] if removed != NULL and removed <= at else [DISCOUNT_IDS.of(first)]


def is_true(count: int) -> Filter:
    """A filter on what is true of all."""

    def chosen(question: Question, name: str) -> Mask:
        return np.full(count, question.boolean(name) is True)

    return chosen


def one_of(codes: Ints, values: Sequence[str], wanted: str) -> Mask:
    """Which codes stand for a value."""
    code = values.index(wanted) if wanted in values else -2
    return np.asarray(codes == code)


def of_reference(numbers: Ints, ids: Ids) -> Filter:
    """A filter on a reference, by the id that it points to."""

    def chosen(question: Question, name: str) -> Mask:
        key = ids.key(question.single[name])
        return np.asarray(numbers == (-2 if key is None else key))

    return chosen
