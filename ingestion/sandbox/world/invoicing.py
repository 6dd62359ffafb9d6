"""Invoices: what subscriptions are billed, with onboarding, usage, prorations, coupons and tax."""

from __future__ import annotations

from datetime import date

import numpy as np

from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    START,
    Ints,
    add_months,
    day_number,
    day_of,
)
from ingestion.sandbox.world.pricing import YEAR, discounts, rounded
from ingestion.sandbox.world.schema import (
    INVOICE_STATUSES,
    LINE_KINDS,
    NONE,
    NULL,
    NULL_DAY,
    PRODUCTS,
)
from ingestion.sandbox.world.store import Array, State

OPEN, PAID, VOID = range(len(INVOICE_STATUSES))
RECURRING, ONBOARDING, USAGE, PRORATION = range(len(LINE_KINDS))
TAX = np.array([0.0, 0.20, 0.20, 0.10, 0.0])
"""Tax rate by currency."""
MINUTE = HOUR // 60
DRAFT_SHARE = 0.25
NEVER_PAID_SHARE = 0.02
PARTS_SHARES = (0.003, 0.95, 0.03, 0.017)
"""Shares of invoices by the number of parts that they are paid in; 0: one part, and no more."""
TALKATIVE, IN_ITS_MONTH = 5, 2
"""This customer's invoice of the world's second month has a line for every product and day."""
USAGE_LINES = 119
Lines = dict[str, Array]


def bill_subscriptions(state: State, rng: np.random.Generator, more: np.random.Generator) -> None:
    """Bill subscriptions monthly or yearly on their day, in advance, the first time at once."""
    table = state["subscriptions"]
    billed_to = table["billed_to"]
    ids = np.flatnonzero((table["is_current"] == 1) & (billed_to <= state.day))
    count, is_annual = len(ids), table["is_annual"][ids] == 1
    currency, recurring = table["currency"][ids], table["period_amount"][ids]
    first = table["anchor_day"][ids] == state.day
    onboarding = np.where(first, recurring * np.where(is_annual, 1, 10) / 10, 0)
    usage = np.where(rng.random(count) < 0.15, recurring * rng.integers(1, 12, count) / 100, 0)
    at = state.now + 8 * HOUR + rng.integers(0, 10 * 3600, count) * 1_000_000
    at = np.maximum(at, table["started_at"][ids] + MINUTE)
    days = rng.lognormal(np.log(28), 0.45, count)
    never = rng.random(count) < NEVER_PAID_SHARE
    lines = [
        _recurring(state, ids),
        _extra(state, ids, rounded(onboarding, currency), ONBOARDING),
        _extra(state, ids, rounded(usage, currency), USAGE),
        _many(state, ids),
    ]
    table["billed_from"][ids] = state.day
    table["billed_to"][ids] = [
        next_bill(state.day, int(day), bool(annual))
        for day, annual in zip(table["bill_day"][ids], is_annual, strict=True)
    ]
    _issue(state, more, ids, at, lines, days, never)


def bill_before_start(state: State, more: np.random.Generator, ids: Ints) -> None:
    """The last invoices before the simulation begins, by day; most of them are paid."""
    table, start = state["subscriptions"], day_number(START)
    for row in ids.tolist():
        begins, annual = int(table["anchor_day"][row]), bool(table["is_annual"][row])
        while (ends := next_bill(begins, int(table["bill_day"][row]), annual)) < start:
            begins = ends
        table["billed_from"][row], table["billed_to"][row] = begins, ends
    ids = ids[np.argsort(table["billed_from"][ids], kind="stable")]
    at = np.maximum(
        table["billed_from"][ids].astype(np.int64) * DAY + 9 * HOUR,
        table["started_at"][ids] + MINUTE,
    )
    days = more.uniform(5, 35, len(ids))
    _issue(state, more, ids, at, [_recurring(state, ids)], days, np.zeros(len(ids), bool), False)


def next_bill(day: int, bill_day: int, is_annual: bool) -> int:
    """The day, after `day`, that is billed next."""
    when = day_of(day)
    if is_annual:
        return day_number(add_months(when.replace(day=bill_day), YEAR))
    months = 1 if bill_day <= when.day else 0
    return day_number(add_months(when.replace(day=bill_day), months))


def _line(of: Ints, kind: int, amount: Array, **values: Array | int) -> Lines:
    """Lines for the subscriptions at the positions `of`."""
    columns = {
        "product": NONE, "quantity": 1, "period_start": NULL_DAY, "period_end": NULL_DAY,
        "subscription_id": NONE, "proration_id": NONE, **values,
    }  # fmt: skip
    columns |= {"of": of, "amount": amount, "kind": kind, "is_recurring": int(kind == RECURRING)}
    return {name: np.broadcast_to(value, len(of)) for name, value in columns.items()}


def _recurring(state: State, ids: Ints) -> Lines:
    """What recurs; its period is filled in when the subscription's is known."""
    table = state["subscriptions"]
    return _line(
        np.arange(len(ids)), RECURRING, table["period_amount"][ids],
        quantity=table["quantity"][ids], product=table["plan"][ids], subscription_id=ids,
    )  # fmt: skip


def _extra(state: State, ids: Ints, amount: Ints, kind: int) -> Lines:
    of = np.flatnonzero(amount > 0)
    plan = state["subscriptions"]["plan"][ids[of]]
    return _line(of, kind, amount[of], product=plan, subscription_id=ids[of])


def _many(state: State, ids: Ints) -> Lines:
    """Usage of one customer's month, by day and product."""
    month = date(START.year, IN_ITS_MONTH, 1)
    customer = state["subscriptions"]["customer_id"][ids]
    of = np.flatnonzero(customer == TALKATIVE)
    is_month = (day_of(state.day).year, day_of(state.day).month) == (month.year, month.month)
    number = np.arange(USAGE_LINES if is_month and len(of) else 0)
    return _line(
        np.repeat(of[:1], len(number)), USAGE, (number + 1) * 25, product=number % len(PRODUCTS),
        quantity=number + 1, subscription_id=np.repeat(ids[of[:1]], len(number)),
    )  # fmt: skip


def _prorations(state: State, ids: Ints, room: Ints) -> Lines:
    """Two lines for each change since the last bill: unless they are more than there is room for.

    Those wait for the invoice after.
    """
    table, changes = state["subscriptions"], state["prorations"]
    waiting = np.flatnonzero(changes["invoice_id"] == NONE)
    position = np.full(len(table), NONE)
    position[table["chain"][ids]] = np.arange(len(ids))
    of = position[table["chain"][changes["subscription_id"][waiting]]]
    waiting, of = waiting[of != NONE], of[of != NONE]
    net = np.zeros(len(ids), np.int64)
    np.add.at(net, of, changes["charge"][waiting] - changes["credit"][waiting])
    fits = (room + net > 0)[of]
    waiting, of = waiting[fits], of[fits]
    sides = []
    for sign, column, whose in ((-1, "credit", "old_id"), (1, "charge", "subscription_id")):
        rows = changes[whose][waiting]
        sides.append(_line(
            of, PRORATION, sign * changes[column][waiting], product=table["plan"][rows],
            quantity=table["quantity"][rows], subscription_id=rows, proration_id=waiting,
            period_start=changes["occurred_at"][waiting] // DAY,
            period_end=changes["period_end"][waiting] - 1,
        ))  # fmt: skip
    return _together(sides)


def _together(lines: list[Lines]) -> Lines:
    return {name: np.concatenate([part[name] for part in lines]) for name in lines[0]}


def _issue(
    state: State, more: np.random.Generator, ids: Ints, at: Ints, lines: list[Lines],
    days: Array, never: Array, with_drafts: bool = True,
) -> None:  # fmt: skip
    """Draft an invoice for each subscription; most are issued at once, some within a day."""
    table, count = state["subscriptions"], len(ids)
    currency, coupon = table["currency"][ids], table["coupon"][ids].astype(np.int64)
    began = table["started_at"][table["chain"][ids]] // DAY
    discount = discounts(table["period_amount"][ids], currency, coupon, began, at // DAY)
    every = _together([*lines, _prorations(state, ids, table["period_amount"][ids] - discount)])
    subtotal = np.bincount(every["of"], every["amount"], count).astype(np.int64)
    tax = rounded((subtotal - discount) * TAX[currency], currency)
    later = (more.random(count) < DRAFT_SHARE) & with_drafts
    issued_at = at + np.where(later, more.integers(1, 23 * 60, count) * MINUTE, 0)
    pay_due = issued_at + (days * DAY).astype(np.int64) // 1_000_000 * 1_000_000
    parts = more.choice(len(PARTS_SHARES), count, p=PARTS_SHARES)
    invoices = state.create(
        "invoices", count, issued_at, customer_id=table["customer_id"][ids], issued_at=issued_at,
        due_at=issued_at + 30 * DAY, status=OPEN, currency=currency,
        total=subtotal - discount + tax, tax=tax, amount_paid=0, drafted_at=at, parts=parts,
        opportunity_id=table["opportunity_id"][ids], discount=discount, subscription_id=ids,
        pay_due=np.where(never, NULL, pay_due),
    )  # fmt: skip
    order = np.argsort(every["of"], kind="stable")
    every = {name: values[order] for name, values in every.items()}
    of = every.pop("of")
    recurs = every["kind"] == RECURRING
    period = {
        "period_start": np.where(recurs, table["billed_from"][ids[of]], every["period_start"]),
        "period_end": np.where(recurs, table["billed_to"][ids[of]] - 1, every["period_end"]),
    }
    state.create("invoice_lines", len(of), issued_at[of], invoice_id=invoices[of], **every | period)
    billed = every["proration_id"] != NONE
    changes, first = np.unique(every["proration_id"][billed], return_index=True)
    of = of[billed][first]
    state.change("prorations", changes, "invoice_id", invoices[of], at[of])
