"""Subscriptions: how they begin, change, lapse and end.

A row is a stretch of one price and one standing. Those that follow each other in one contract have
the same `chain`: the first one's id.
"""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints, day_of
from ingestion.sandbox.world.pricing import Columns, priced, rounded
from ingestion.sandbox.world.schema import (
    COUPONS,
    NONE,
    NULL,
    NULL_DAY,
    SUBSCRIPTION_STATUSES,
)
from ingestion.sandbox.world.store import Array, State

MORE = 11
"""Stream of random numbers for prices, coupons, trials, drafts, parts and refunds that fail."""
ACTIVE, ENDED, CANCELED, TRIALING, PAST_DUE, UNPAID, PAUSED = range(len(SUBSCRIPTION_STATUSES))
LOYAL = 8
"""So many of the first customers never leave: at any scale some have each rare kind of price."""
TRIAL_DAYS = 14
CONVERTING_SHARE = 0.75
ONE_UNIT_SHARE = 0.5
LARGEST_QUANTITY = 25
COUPON_SHARES = (0.04, 0.02, 0.04)
HANDED_ON = (
    "customer_id", "currency", "plan", "anchor_day", "bill_day", "billed_from", "billed_to",
    "is_annual", "chain",
)  # fmt: skip
"""What the next stretch of a contract has of the last."""
PRICE = ("quantity", "unit_amount", "is_tiered", "coupon", "period_amount", "mrr")
MOST_CREDITED = 0.8
"""What changes credit is at most this share of what the next invoice bills."""
PAST_DUE_DAYS, UNPAID_DAYS = 45, 120
LOST_SHARE = 0.15
"""Of those who have not paid for so long, the share that is given up."""
GIVEN_UP_AT = 9 * HOUR + HOUR // 6
"""It is midnight nowhere."""


def drawn(more: np.random.Generator, yearly: Ints, currency: Ints, is_annual: Array) -> Columns:
    """Prices of new subscriptions: some of several units, some with a coupon."""
    count = len(yearly)
    several = more.integers(2, LARGEST_QUANTITY + 1, count)
    quantity = np.where(more.random(count) < ONE_UNIT_SHARE, 1, several)
    shares = (*COUPON_SHARES, 1 - sum(COUPON_SHARES))
    coupon = more.choice([*range(len(COUPONS)), NONE], count, p=shares)
    return priced(yearly, currency, is_annual, quantity, np.zeros(count, bool), coupon)


def subscribe(
    state: State, customer: Ints, at: Ints, currency: Ints, deal: Ints, plan: Ints,
    is_annual: Array, prices: Columns, on_trial: Array | bool = False,
) -> Ints:  # fmt: skip
    """New contracts. Those on trial are billed from its end on, if it comes to that."""
    on_trial = np.broadcast_to(on_trial, len(customer))
    trial_ends_at = at + TRIAL_DAYS * DAY
    anchor = np.where(on_trial, trial_ends_at, at) // DAY
    first = len(state["subscriptions"])
    return state.create(
        "subscriptions", len(customer), at, customer_id=customer, started_at=at,
        status=np.where(on_trial, TRIALING, ACTIVE), currency=currency, plan=plan,
        anchor_day=anchor, bill_day=[min(day_of(int(day)).day, 28) for day in anchor],
        is_annual=is_annual, is_current=~on_trial, opportunity_id=deal,
        chain=first + np.arange(len(customer)),
        trial_ends_at=np.where(on_trial, trial_ends_at, NULL), **prices,
    )  # fmt: skip


def current(state: State) -> Ints:
    """The stretches that customers are in since before today."""
    subscriptions = state["subscriptions"]
    return np.flatnonzero(
        (subscriptions["is_current"] == 1) & (subscriptions["started_at"] < state.now)
    )


def end(state: State, ids: Ints, status: int | None, at: Ints | int) -> None:
    """The end of stretches; without a status they keep the one that they have."""
    state.change("subscriptions", ids, "ended_at", at, at)
    if status is not None:
        state.change("subscriptions", ids, "status", status, at)
    state["subscriptions"]["is_current"][ids] = 0


def follow(
    state: State, ids: Ints, at: Ints | int, deal: Ints | int, status: Ints | int,
    prices: Columns | None = None, is_current: bool = True,
) -> Ints:  # fmt: skip
    """The next stretch of contracts, at the old prices unless others are given."""
    old = state["subscriptions"]
    values = {name: old[name][ids].copy() for name in (*HANDED_ON, *PRICE)}
    return state.create(
        "subscriptions", len(ids), at, status=status, started_at=at, is_current=is_current,
        opportunity_id=deal, **(values | (prices or {})),
    )  # fmt: skip


def replace(state: State, ids: Ints, prices: Columns, at: Ints, deal: Ints | int = NONE) -> Ints:
    """End stretches and begin others at other prices, in the same instant.

    What that comes to of the time that has been billed already is left for the next invoice.
    """
    status = state["subscriptions"]["status"][ids].copy()
    end(state, ids, ENDED, at)
    new = follow(state, ids, at, deal, status, prices)
    _prorate(state, ids, new, at)
    return new


def _prorate(state: State, old: Ints, new: Ints, at: Ints) -> None:
    """Credit what was billed of the rest of the period, and charge the new price for it."""
    table = state["subscriptions"]
    begins, ends = (table[name][new].astype(np.int64) for name in ("billed_from", "billed_to"))
    is_billed = (ends != NULL_DAY) & (ends * DAY > at)
    old, new, at = old[is_billed], new[is_billed], at[is_billed]
    begins, ends = begins[is_billed], ends[is_billed]
    left = (ends * DAY - at) / ((ends - begins) * DAY)
    left = np.minimum(left, 1.0)
    currency = table["currency"][new]
    credit, charge = (rounded(table["period_amount"][rows] * left, currency) for rows in (old, new))
    most = rounded(MOST_CREDITED * table["period_amount"][new], currency)
    credit = np.clip(credit, 0, np.maximum(charge + pending(state, table["chain"][new]) + most, 0))
    state.create(
        "prorations", len(new), at, subscription_id=new, old_id=old, occurred_at=at, credit=credit,
        charge=charge, period_end=ends,
    )  # fmt: skip


def pending(state: State, chain: Ints) -> Ints:
    """What changes come to, by contract, that no invoice has billed yet."""
    waiting = np.flatnonzero(state["prorations"]["invoice_id"] == NONE)
    table, owed = state["prorations"], np.zeros(len(state["subscriptions"]), np.int64)
    of = state["subscriptions"]["chain"][table["subscription_id"][waiting]]
    np.add.at(owed, of, table["charge"][waiting] - table["credit"][waiting])
    return owed[chain]


def cancel(state: State, ids: Ints, at: Ints) -> None:
    """Customers leave, but for the loyal ones."""
    customers = state["subscriptions"]["customer_id"][ids]
    leaving = customers >= LOYAL
    end(state, ids[leaving], CANCELED, at[leaving])
    state["customers"]["churned_on"][customers[leaving]] = state.day


def end_trials(state: State, more: np.random.Generator) -> None:
    """Trials that end today: most go on as paid subscriptions."""
    table = state["subscriptions"]
    ends_at = table["trial_ends_at"]
    due = np.flatnonzero(
        (table["status"] == TRIALING) & (table["ended_at"] == NULL)
        & (ends_at >= state.now) & (ends_at < state.now + DAY)
    )  # fmt: skip
    if not len(due):
        return
    stays = more.random(len(due)) < CONVERTING_SHARE
    deal, at = table["opportunity_id"][due].copy(), ends_at[due].copy()
    end(state, due, None, at)
    follow(state, due[stays], at[stays], deal[stays], ACTIVE)
    state["customers"]["churned_on"][table["customer_id"][due[~stays]]] = state.day


def dun(state: State, more: np.random.Generator) -> None:
    """Who never pays an invoice is past due one day; of some, nothing more is expected."""
    invoices, now = state["invoices"], state.now
    first = np.searchsorted(invoices["issued_at"], now - 200 * DAY)
    recent = np.arange(first, len(invoices))
    recent = recent[(invoices["status"][recent] == 0) & (invoices["pay_due"][recent] == NULL)]
    age = (now - invoices["issued_at"][recent]) // DAY
    late = _stretches(state, recent[age == PAST_DUE_DAYS], ACTIVE)
    state.change("subscriptions", late, "status", PAST_DUE, now + 6 * HOUR)
    lost = _stretches(state, recent[age == UNPAID_DAYS], PAST_DUE)
    lost = lost[more.random(len(lost)) < LOST_SHARE]
    lost = lost[state["subscriptions"]["customer_id"][lost] >= LOYAL]
    at = now + GIVEN_UP_AT
    end(state, lost, ENDED, at)
    unpaid = follow(state, lost, at, NONE, UNPAID, is_current=False)
    end(state, unpaid, None, at + HOUR // 6)
    state["customers"]["churned_on"][state["subscriptions"]["customer_id"][lost]] = state.day


def forgive(state: State, invoices: Ints, at: int) -> None:
    """Contracts that were past due for invoices which are written off go on."""
    rows = _stretches(state, invoices, PAST_DUE)
    state.change("subscriptions", rows, "status", ACTIVE, at)


def _stretches(state: State, invoices: Ints, status: int) -> Ints:
    """The present stretches, of a status, of the contracts that invoices are for."""
    billed = state["invoices"]["subscription_id"][invoices]
    table, rows = state["subscriptions"], current(state)
    rows = rows[table["status"][rows] == status]
    chains = np.unique(table["chain"][billed[billed != NONE]])
    found: Ints = rows[np.isin(table["chain"][rows], chains)]
    return found
