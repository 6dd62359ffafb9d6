"""What subscriptions cost: quantities, unit prices, graduated tiers, coupons; money in cents."""

from __future__ import annotations

from datetime import date

import numpy as np

from ingestion.sandbox.world.calendar import Ints, add_months, day_number, day_of
from ingestion.sandbox.world.people import CURRENCY_UNITS
from ingestion.sandbox.world.schema import COUPONS, NONE, NULL, SMALLEST, TIERS
from ingestion.sandbox.world.store import Array, State

Columns = dict[str, Ints]
MILLIONTHS = 10_000
"""Millionths of a unit in a cent."""
YEAR = 12
MOST = 5_000
"""The largest quantity that a graduated price is looked up for."""
FOREVER = [coupon.months is None for coupon in COUPONS]
PERCENT = np.array([coupon.percent for coupon in COUPONS] + [0])
AMOUNT = np.array([coupon.amount or (0,) * len(SMALLEST) for coupon in COUPONS] + [(0,) * 5])
"""Shares and amounts by coupon; the last is that of none."""


def graduated(quantity: Ints) -> Ints:
    """What quantities cost a month by `TIERS`."""
    total, below = np.zeros(len(quantity), np.int64), 0
    for tier in TIERS:
        top = quantity if tier.up_to is None else np.minimum(quantity, tier.up_to)
        units = np.maximum(top - below, 0)
        total += units * tier.unit + np.where(units > 0, tier.flat, 0)
        below = tier.up_to or below
    return total


GRADUATED = graduated(np.arange(MOST + 1))


def months_of(is_annual: Array) -> Ints:
    """Months between two bills."""
    return np.where(np.asarray(is_annual) == 1, YEAR, 1)


def rounded(amount: Array, currency: Array) -> Ints:
    """To an amount that the currency has, half up."""
    smallest = SMALLEST[currency]
    nearest: Ints = np.floor(np.asarray(amount) / smallest + 0.5).astype(np.int64) * smallest
    return nearest


def in_currency(amount: Ints, now: Array, wanted: Array) -> Ints:
    """Amounts in another currency, roughly; those that are in it already stay as they are."""
    factor = CURRENCY_UNITS[now] / CURRENCY_UNITS[wanted]
    return np.where(now == wanted, amount, rounded(amount * factor, wanted))


def priced(
    yearly: Array, currency: Array, is_annual: Array, quantity: Array, is_tiered: Array,
    coupon: Array,
) -> Columns:  # fmt: skip
    """The prices of subscriptions that are to bring about so much a year, before discounts."""
    months, quantity = months_of(is_annual), np.asarray(quantity, np.int64)
    wanted = np.maximum(np.asarray(yearly) * months / YEAR, 1_00)
    by_tiers = np.clip(np.searchsorted(GRADUATED, wanted), 1, MOST)
    quantity = np.where(is_tiered, by_tiers, quantity)
    unit = np.maximum(rounded(wanted / quantity, currency), SMALLEST[currency])
    return _columns(quantity, unit, currency, is_annual, is_tiered, coupon)


def repriced(state: State, ids: Ints, yearly: Ints) -> Columns:
    """The prices of subscriptions that become larger or smaller: by quantity where they have one.

    Where no other quantity comes near, another price of each.
    """
    old = state["subscriptions"]
    quantity, is_tiered, currency, is_annual, coupon = (
        old[name][ids].astype(np.int64)
        for name in ("quantity", "is_tiered", "currency", "is_annual", "coupon")
    )
    wanted = yearly * months_of(is_annual) / YEAR
    unit = np.maximum(old["unit_amount"][ids], 1)
    nearest = np.maximum(np.round(wanted / unit), 1).astype(np.int64)
    counts = (quantity > 1) & (nearest != quantity) & (is_tiered == 0)
    other = priced(yearly, currency, is_annual, quantity, is_tiered, coupon)
    quantity = np.where(counts, nearest, other["quantity"])
    unit = np.where(counts, unit, other["unit_amount"])
    return _columns(quantity, unit, currency, is_annual, is_tiered, coupon)


def yearly_price(state: State, ids: Ints) -> Ints:
    """What subscriptions cost a year before discounts."""
    table = state["subscriptions"]
    return table["period_amount"][ids] * (YEAR // months_of(table["is_annual"][ids]))


def _columns(
    quantity: Ints, unit: Ints, currency: Array, is_annual: Array, is_tiered: Array, coupon: Array
) -> Columns:
    period = np.where(is_tiered, GRADUATED[np.minimum(quantity, MOST)], quantity * unit)
    return {
        "quantity": quantity,
        "unit_amount": np.where(is_tiered, NULL, unit),
        "is_tiered": np.asarray(is_tiered, np.int64),
        "coupon": np.asarray(coupon, np.int64),
        "period_amount": period,
        "mrr": monthly(period, currency, is_annual, coupon),
    }


def monthly(period: Ints, currency: Array, is_annual: Array, coupon: Array) -> Ints:
    """Millionths of a unit a month, half up, after what coupons take off forever."""
    lasting = np.where(np.r_[FOREVER, False][coupon], coupon, NONE)
    left = np.maximum(period - AMOUNT[lasting, currency], 0) * (100 - PERCENT[lasting])
    months = months_of(is_annual)
    parts: Ints = (2 * left * (MILLIONTHS // 100) + months) // (2 * months)
    return parts


def discounts(period: Ints, currency: Array, coupon: Array, began: Ints, day: Ints) -> Ints:
    """What coupons take off what recurs on invoices of a day, by when subscriptions began."""
    lasts = np.array(
        [
            _lasts(int(code), *map(int, days))
            for code, *days in zip(coupon, began, day, strict=True)
        ],
        bool,
    )
    taken = np.where(lasts, coupon, NONE)
    share = rounded(period * PERCENT[taken] / 100, currency)
    return np.minimum(share + AMOUNT[taken, currency], period)


def _lasts(coupon: int, began: int, day: int) -> bool:
    if coupon == NONE or COUPONS[coupon].months is None:
        return coupon != NONE
    return day < day_number(add_months(_common(day_of(began)), COUPONS[coupon].months or 0))


def _common(day: date) -> date:
    """The day, or the 28th where not every month has it."""
    return day.replace(day=min(day.day, 28))
