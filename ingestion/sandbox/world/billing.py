"""Customers and their money: subscriptions, invoices, payments, costs, exchange rates."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    START,
    Ints,
    add_months,
    day_number,
    day_of,
    to_moment,
)
from ingestion.sandbox.world.demand import new_accounts
from ingestion.sandbox.world.openings import (
    CUSTOMER_SOURCE,
    EXPANSION,
    NEW,
    RENEWAL,
    RENEWALS,
    open_deals_for,
)
from ingestion.sandbox.world.people import MANAGER, MARKETING, REP, SDR, active_reps
from ingestion.sandbox.world.schema import LOST, NONE, NULL, NULL_DAY, STAGE_WON
from ingestion.sandbox.world.store import State

STREAM = 5
ONBOARDING_DAYS = 5
RENEWAL_AGE_DAYS = 285
"""A renewal deal is opened when this many days of each subscription year have passed."""
CUSTOMERS_AT_START = 220
ACTIVE, ENDED, CANCELED = range(3)
OPEN, PAID, VOID = range(3)
TAX = np.array([0.0, 0.20, 0.20])
"""Tax rate by currency."""
RATE_DAYS_BEFORE_START = 380
"""Exchange rates reach back to before the first customer."""
SALARY = (14_500_00, 9_500_00, 8_000_00)
"""Monthly cost of a person in sales (commission included), marketing and customer success."""
FIRST_RATES = (1.07, 1.21)
"""US dollars for a euro and a pound on the first day."""


def found_customers(state: State) -> None:
    """The customers won before the simulation begins, and the first exchange rates."""
    rng = state.rng(STREAM)
    count = max(8, round(CUSTOMERS_AT_START * state.scale))
    since = day_number(START) - rng.integers(1, 365, count)
    at = since * DAY + 15 * HOUR
    reps = active_reps(state)
    owner = reps[rng.integers(0, len(reps), count)]
    accounts = new_accounts(state, rng, owner, at)
    currency = rng.choice(3, count, p=[0.6, 0.25, 0.15])
    customers = state.create(
        "customers", count, at, account_id=accounts, created_at=at, currency=currency
    )
    mrr = (rng.lognormal(0, 0.7, count) * 1_400_00).astype(np.int64)
    _subscribe(state, rng, customers, at, mrr, currency, np.full(count, NONE))
    for day in range(state.day - RATE_DAYS_BEFORE_START, state.day):
        if day_of(day).weekday() < 5:
            _quote_rates(state, rng, day)


def step_billing(state: State) -> None:
    """One day: rates, new and changed subscriptions, renewals due, invoices, payments, costs."""
    rng = state.rng(STREAM)
    today = day_of(state.day)
    if today.weekday() < 5:
        _quote_rates(state, rng, state.day)
    _take_effect(state, rng)
    _change_subscriptions(state, rng)
    _open_customer_deals(state, rng)
    _invoice(state, rng)
    _collect(state, rng)
    if today.day == 1 and today > START:
        _book_costs(state, rng)


def _quote_rates(state: State, rng: np.random.Generator, day: int) -> None:
    """A rate for every ordered pair of currencies, in millionths."""
    table = state["fx_rates"]
    last = FIRST_RATES if not len(table) else (table["rate"][-4] / 1e6, table["rate"][-2] / 1e6)
    drift = np.exp(rng.normal(0, 0.004, 2))
    anchor = np.array(FIRST_RATES)
    euro, pound = np.array(last) * drift * (anchor / np.array(last)) ** 0.01
    worth = (1.0, euro, pound)
    pairs = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
    state.create(
        "fx_rates", 6, day * DAY + HOUR // 2, day=day, from_currency=[p[0] for p in pairs],
        to_currency=[p[1] for p in pairs],
        rate=[round(worth[p[0]] / worth[p[1]] * 1e6) for p in pairs],
    )  # fmt: skip


def _subscribe(
    state: State, rng: np.random.Generator, customer: Ints, at: Ints, mrr: Ints, currency: Ints,
    deal: Ints,
) -> Ints:  # fmt: skip
    day = at // DAY
    month_day = [min(day_of(int(d)).day, 28) for d in day]
    return state.create(
        "subscriptions", len(customer), at, customer_id=customer, status=ACTIVE, started_at=at,
        currency=currency, mrr=np.maximum(mrr, 1_00) * 10_000, plan=rng.integers(0, 4, len(customer)),
        anchor_day=day, bill_day=month_day, is_annual=rng.random(len(customer)) < 0.4,
        is_current=1, opportunity_id=deal,
    )  # fmt: skip


def _end(state: State, ids: Ints, status: int, at: Ints) -> None:
    state.change("subscriptions", ids, "ended_at", at, at)
    state.change("subscriptions", ids, "status", status, at)
    state["subscriptions"]["is_current"][ids] = 0


def _replace(state: State, ids: Ints, mrr: Ints, at: Ints, deal: Ints) -> None:
    """End subscriptions and start others that differ in `mrr`, in the same instant."""
    old = state["subscriptions"]
    kept = ("customer_id", "currency", "plan", "anchor_day", "bill_day", "is_annual")
    values = {name: old[name][ids].copy() for name in kept}
    _end(state, ids, ENDED, at)
    state.create(
        "subscriptions", len(ids), at, status=ACTIVE, started_at=at, mrr=np.maximum(mrr, 1_00) * 10_000,
        is_current=1, opportunity_id=deal, **values,
    )  # fmt: skip


def _cancel(state: State, ids: Ints, at: Ints) -> None:
    _end(state, ids, CANCELED, at)
    customers = state["subscriptions"]["customer_id"][ids]
    state["customers"]["churned_on"][customers] = state.day


def _moments(state: State, rng: np.random.Generator, count: int) -> Ints:
    return state.now + 8 * HOUR + rng.integers(0, 10 * 3600, count) * 1_000_000


def _take_effect(state: State, rng: np.random.Generator) -> None:
    """Deals closed some days ago change what their customers subscribe to."""
    deals, subscriptions = state["opportunities"], state["subscriptions"]
    from_moment = state.now - ONBOARDING_DAYS * DAY
    settled = np.flatnonzero(
        (deals["shut_at"] >= from_moment) & (deals["shut_at"] < from_moment + DAY)
        & (deals["is_deleted"] == 0)
    )  # fmt: skip
    won = settled[STAGE_WON[deals["stage"][settled]]]
    _start_customers(state, rng, won[deals["deal_type"][won] == NEW])

    grown = won[deals["deal_type"][won] != NEW]
    current = deals["subscription_id"][grown]
    _, first = np.unique(current, return_index=True)
    grown, current = grown[first], current[first]
    usable = subscriptions["is_current"][current] == 1
    grown, current = grown[usable], current[usable]
    per_month = deals["true_amount"][grown] // 12
    added = np.where(deals["deal_type"][grown] == EXPANSION, subscriptions["mrr"][current], 0)
    differs = (per_month + added) != subscriptions["mrr"][current]
    at = _moments(state, rng, len(grown))
    _replace(state, current[differs], (per_month + added)[differs], at[differs], grown[differs])

    lost = settled[np.isin(deals["stage"][settled], LOST[RENEWALS:])]
    current = np.unique(deals["subscription_id"][lost])
    current = current[subscriptions["is_current"][current] == 1]
    _cancel(state, current, _moments(state, rng, len(current)))


def _start_customers(state: State, rng: np.random.Generator, deal: Ints) -> None:
    deals, customers = state["opportunities"], state["customers"]
    account = state["contacts"]["account_id"][deals["contact_id"][deal]].astype(np.int64)
    customer_of = np.full(len(state["accounts"]), NONE, np.int64)
    customer_of[customers["account_id"]] = np.arange(len(customers))
    at = _moments(state, rng, len(deal))
    currency = deals["currency"][deal].astype(np.int64)
    unknown = np.flatnonzero(customer_of[account] == NONE)
    _, first = np.unique(account[unknown], return_index=True)
    new = unknown[first]
    customer_of[account[new]] = state.create(
        "customers", len(new), at[new], account_id=account[new], created_at=at[new],
        currency=currency[new],
    )  # fmt: skip
    customer = customer_of[account]
    state["customers"]["churned_on"][customer] = NULL_DAY
    _subscribe(state, rng, customer, at, deals["true_amount"][deal] // 12, currency, deal)


def _current(state: State) -> Ints:
    subscriptions = state["subscriptions"]
    return np.flatnonzero(
        (subscriptions["is_current"] == 1) & (subscriptions["started_at"] < state.now)
    )


def _change_subscriptions(state: State, rng: np.random.Generator) -> None:
    """Customers contract or leave between renewals, and some who left come back."""
    subscriptions, customers = state["subscriptions"], state["customers"]
    ids = _current(state)
    chance = rng.random(len(ids))
    smaller, gone = ids[chance < 0.00025], ids[chance > 0.9998]
    mrr = (subscriptions["mrr"][smaller] * rng.uniform(0.5, 0.9, len(smaller))).astype(np.int64)
    _replace(state, smaller, mrr, _moments(state, rng, len(smaller)), np.full(len(smaller), NONE))
    _cancel(state, gone, _moments(state, rng, len(gone)))

    left = np.flatnonzero(customers["churned_on"] != NULL_DAY)
    away = state.day - customers["churned_on"][left]
    back = left[(away > 45) & (away < 400) & (rng.random(len(left)) < 0.0006)]
    customers["churned_on"][back] = NULL_DAY
    mrr = (rng.lognormal(0, 0.5, len(back)) * 1_000_00).astype(np.int64)
    at = _moments(state, rng, len(back))
    _subscribe(state, rng, back, at, mrr, customers["currency"][back], np.full(len(back), NONE))


def _open_customer_deals(state: State, rng: np.random.Generator) -> None:
    """Renewals when a subscription year draws to its end; expansions at any time."""
    subscriptions = state["subscriptions"]
    ids = _current(state)
    age = (state.day - subscriptions["anchor_day"][ids]) % 365
    due = ids[age == RENEWAL_AGE_DAYS]
    growing = ids[(rng.random(len(ids)) < 0.0012) & (age != RENEWAL_AGE_DAYS)]
    year = subscriptions["mrr"][due] * 12
    uplift = np.where(rng.random(len(due)) < 0.35, rng.uniform(0.9, 1.25, len(due)), 1.0)
    _open_for(state, rng, due, RENEWAL, (year * uplift).astype(np.int64) // 12 * 12)
    share = rng.uniform(0.15, 0.8, len(growing))
    extra = (subscriptions["mrr"][growing] * share).astype(np.int64) // 100 * 1200 + 1200
    _open_for(state, rng, growing, EXPANSION, extra)


def _open_for(
    state: State, rng: np.random.Generator, subscription: Ints, kind: int, amount: Ints
) -> None:
    subscriptions, customers = state["subscriptions"], state["customers"]
    account = customers["account_id"][subscriptions["customer_id"][subscription]].astype(np.int64)
    reps = active_reps(state)
    owner = state["accounts"]["owner_id"][account].astype(np.int64)
    owner = np.where(np.isin(owner, reps), owner, reps[rng.integers(0, len(reps), len(owner))])
    count = len(subscription)
    open_deals_for(
        state, rng, _moments(state, rng, count), owner, account,
        pipeline=np.full(count, int(kind == RENEWAL)), deal_type=np.full(count, kind),
        currency=subscriptions["currency"][subscription].astype(np.int64), true_amount=amount,
        subscription_id=subscription, lead_source=np.full(count, CUSTOMER_SOURCE),
        first_contact_at=np.full(count, NULL),
    )  # fmt: skip


def _invoice(state: State, rng: np.random.Generator) -> None:
    """Bill subscriptions monthly or yearly on their day, in advance; total = lines + tax."""
    subscriptions = state["subscriptions"]
    today = day_of(state.day)
    ids = np.flatnonzero(
        (subscriptions["is_current"] == 1) & (subscriptions["bill_day"] == today.day)
    )
    annual = subscriptions["is_annual"][ids] == 1
    age = (state.day - subscriptions["anchor_day"][ids] + 15) % 365
    billed = ~annual | (age < 30)
    ids, annual = ids[billed], annual[billed]
    count = len(ids)
    recurring = subscriptions["mrr"][ids] * np.where(annual, 12, 1)
    first = subscriptions["anchor_day"][ids] == state.day
    onboarding = np.where(first, recurring * np.where(annual, 1, 10) // 10, 0)
    usage = np.where(rng.random(count) < 0.15, recurring * rng.integers(1, 12, count) // 100, 0)
    subtotal = recurring + onboarding + usage
    currency = subscriptions["currency"][ids]
    tax = (subtotal * TAX[currency]).round().astype(np.int64)
    at = _moments(state, rng, count)
    days = rng.lognormal(np.log(28), 0.45, count)
    pay_due = at + (days * DAY).astype(np.int64) // 1_000_000 * 1_000_000
    invoices = state.create(
        "invoices", count, at, customer_id=subscriptions["customer_id"][ids], issued_at=at,
        due_at=at + 30 * DAY, status=OPEN, currency=currency, total=subtotal + tax, tax=tax,
        amount_paid=0, opportunity_id=subscriptions["opportunity_id"][ids],
        pay_due=np.where(rng.random(count) < 0.02, NULL, pay_due),
    )  # fmt: skip
    begins = today
    ends_month = day_number(add_months(begins, 1)) if begins.day <= 28 else state.day + 30
    ends_year = day_number(add_months(begins, 12)) if begins.day <= 28 else state.day + 365
    ends = np.where(annual, ends_year, ends_month) - 1
    product = subscriptions["plan"][ids]
    for amount, is_recurring in ((recurring, 1), (onboarding, 0), (usage, 0)):
        has = amount > 0
        state.create(
            "invoice_lines", int(has.sum()), at[has], invoice_id=invoices[has],
            product=product[has], quantity=1, amount=amount[has],
            period_start=np.where(is_recurring, state.day, NULL_DAY),
            period_end=np.where(is_recurring, ends[has], NULL_DAY), is_recurring=is_recurring,
        )  # fmt: skip


def _collect(state: State, rng: np.random.Generator) -> None:
    """Payments that arrive today, bad debts written off, and a few refunds."""
    invoices = state["invoices"]
    first = np.searchsorted(invoices["issued_at"], state.now - 200 * DAY)
    recent = np.arange(first, len(invoices))
    due = invoices["pay_due"][recent]
    paid = recent[(due >= state.now) & (due < state.now + DAY) & (invoices["status"][recent] == 0)]
    at = invoices["pay_due"][paid]
    state.create(
        "payments", len(paid), at, customer_id=invoices["customer_id"][paid], invoice_id=paid,
        occurred_at=at, amount=invoices["total"][paid], currency=invoices["currency"][paid],
    )  # fmt: skip
    state.change("invoices", paid, "paid_at", at, at)
    state.change("invoices", paid, "status", PAID, at)
    state.change("invoices", paid, "amount_paid", invoices["total"][paid], at)

    age = state.now - invoices["issued_at"][recent]
    bad = recent[(invoices["status"][recent] == OPEN) & (age >= 180 * DAY) & (age < 181 * DAY)]
    state.change("invoices", bad, "status", VOID, state.now + 4 * HOUR)

    settled = recent[(invoices["paid_at"][recent] >= state.now - 30 * DAY)
                     & (invoices["paid_at"][recent] < state.now)]  # fmt: skip
    refunded = settled[rng.random(len(settled)) < 0.0004]
    at = _moments(state, rng, len(refunded))
    share = rng.uniform(0.1, 1.0, len(refunded))
    state.create(
        "credit_notes", len(refunded), at, customer_id=invoices["customer_id"][refunded],
        invoice_id=refunded, occurred_at=at, currency=invoices["currency"][refunded],
        amount=np.maximum(invoices["total"][refunded] * share, 1_00).astype(np.int64),
    )  # fmt: skip


def _book_costs(state: State, rng: np.random.Generator) -> None:
    """Last month's costs of sales, marketing and customer success, a person's by team."""
    month = (day_of(state.day) - timedelta(days=1)).replace(day=1)
    heads = (
        len(active_reps(state, (REP, SDR, MANAGER))), len(active_reps(state, (MARKETING,))),
        max(1, round(10 * state.scale)),
    )  # fmt: skip
    rows = [
        (category, team, amount * rng.uniform(0.95, 1.05))
        for team, head in enumerate(heads)
        for category, amount in (
            (0, head * SALARY[team]), (1, head * 450_00), (4, head * 300_00),
        )
    ]  # fmt: skip
    rows += [
        (2, 1, 14_000_00 * state.scale * rng.uniform(0.3, 2.0)),
        (3, 1, 9_000_00 * state.scale * rng.uniform(0.8, 1.2)),
    ]
    state.create(
        "costs", len(rows), state.now + 7 * HOUR, month=to_moment(month) // DAY, currency=0,
        category=[r[0] for r in rows], team=[r[1] for r in rows],
        amount=[int(r[2]) for r in rows],
    )  # fmt: skip
