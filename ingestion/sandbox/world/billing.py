"""Customers and their money, day by day: what they buy, change and pay; costs; exchange rates."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR, START, Ints, day_number, day_of, to_moment
from ingestion.sandbox.world.cash import collect, pay
from ingestion.sandbox.world.demand import new_accounts
from ingestion.sandbox.world.invoicing import OPEN, bill_before_start, bill_subscriptions
from ingestion.sandbox.world.openings import (
    CUSTOMER_SOURCE,
    EXPANSION,
    NEW,
    RENEWAL,
    RENEWALS,
    open_deals_for,
)
from ingestion.sandbox.world.people import MANAGER, MARKETING, REP, SDR, active_reps
from ingestion.sandbox.world.pricing import (
    YEAR,
    in_currency,
    priced,
    repriced,
    yearly_price,
)
from ingestion.sandbox.world.rates import quote_rates
from ingestion.sandbox.world.schema import (
    LOST,
    NONE,
    NULL,
    NULL_DAY,
    SMALLEST,
    STAGE_WON,
)
from ingestion.sandbox.world.store import Array, State
from ingestion.sandbox.world.subscriptions import (
    LOYAL,
    MORE,
    cancel,
    current,
    drawn,
    dun,
    end_trials,
    replace,
    subscribe,
)

STREAM = 5
ONBOARDING_DAYS = 5
RENEWAL_AGE_DAYS = 285
"""A renewal deal is opened when this many days of each subscription year have passed."""
CUSTOMERS_AT_START = 220
SCALE = np.array([1, 1, 1, 150, 0.3])
"""What customers pay, by currency, in dollars' numbers."""
TRIAL_SHARE = 0.06
FORGOTTEN_AFTER_DAYS = 400
FORGOTTEN_PER_DAY = 0.003
RATE_DAYS_BEFORE_START = 380
"""Exchange rates reach back to before the first customer."""
SALARY = (14_500_00, 9_500_00, 8_000_00)
"""Monthly cost of a person in sales (commission included), marketing and customer success."""
SHAPES = {
    "currency": (3, 4, 0),
    "is_annual": (1, 0, 0, 0, 1, 0, 0, 1),
    "quantity": (1, 3, 1, 1, 1, 1, 7, 5),
    "is_tiered": (0, 0, 1, 0, 0, 0, 0, 0),
    "coupon": (NONE, NONE, NONE, 0, 1, NONE, 2, NONE),
}
"""What the first customers have, by position: yen a year; dinars; graduated tiers; a share and an
amount off forever; an invoice of many lines; three months less; a year's price not divisible by
twelve."""
UNEVEN = 7
UNEVEN_PRICE = 1_234_57


def found_customers(state: State) -> None:
    """The customers won before the simulation begins, and the first exchange rates."""
    rng, more = state.rng(STREAM), state.rng(MORE)
    count = max(LOYAL, round(CUSTOMERS_AT_START * state.scale))
    since = day_number(START) - rng.integers(1, 365, count)
    at = since * DAY + 15 * HOUR
    reps = active_reps(state)
    owner = reps[rng.integers(0, len(reps), count)]
    accounts = new_accounts(state, rng, owner, at)
    currency = _shaped("currency", rng.choice(3, count, p=[0.6, 0.25, 0.15]))
    customers = state.create(
        "customers", count, at, account_id=accounts, created_at=at, currency=currency
    )
    yearly = (rng.lognormal(0, 0.7, count) * 1_400_00 * SCALE[currency]).astype(np.int64) * YEAR
    yearly[UNEVEN] = UNEVEN_PRICE * SHAPES["quantity"][UNEVEN]
    plan, is_annual = rng.integers(0, 4, count), rng.random(count) < 0.4
    is_annual = _shaped("is_annual", is_annual) == 1
    drew = drawn(more, yearly, currency, is_annual)
    quantity, is_tiered, coupon = (
        _shaped(name, drew[name]) for name in ("quantity", "is_tiered", "coupon")
    )
    prices = priced(yearly, currency, is_annual, quantity, is_tiered == 1, coupon)
    ids = subscribe(state, customers, at, currency, np.full(count, NONE), plan, is_annual, prices)
    for day in range(state.day - RATE_DAYS_BEFORE_START, state.day):
        if day_of(day).weekday() < 5:
            quote_rates(state, rng, more, day)
    bill_before_start(state, more, ids)
    while len(due := np.flatnonzero(_is_due(state))):
        pay(state, due)


def _is_due(state: State) -> Array:
    invoices = state["invoices"]
    due: Array = (invoices["status"] == OPEN) & (invoices["pay_due"] != NULL)
    return due & (invoices["pay_due"] < state.now)


def _shaped(name: str, drawn: Array) -> Ints:
    """What was drawn, but for the first customers."""
    shaped = np.array(drawn, np.int64)
    shaped[: len(SHAPES[name])] = SHAPES[name]
    return shaped


def step_billing(state: State) -> None:
    """One day: rates, new and changed subscriptions, renewals due, invoices, payments, costs."""
    rng, more = state.rng(STREAM), state.rng(MORE)
    today = day_of(state.day)
    if today.weekday() < 5:
        quote_rates(state, rng, more, state.day)
    end_trials(state, more)
    _take_effect(state, rng, more)
    _change_subscriptions(state, rng, more)
    _open_customer_deals(state, rng)
    dun(state, more)
    bill_subscriptions(state, rng, more)
    collect(state, rng, more)
    _forget_customers(state, more)
    if today.day == 1 and today > START:
        _book_costs(state, rng)


def _moments(state: State, rng: np.random.Generator, count: int) -> Ints:
    return state.now + 8 * HOUR + rng.integers(0, 10 * 3600, count) * 1_000_000


def _take_effect(state: State, rng: np.random.Generator, more: np.random.Generator) -> None:
    """Deals closed some days ago change what their customers subscribe to."""
    deals, subscriptions = state["opportunities"], state["subscriptions"]
    from_moment = state.now - ONBOARDING_DAYS * DAY
    settled = np.flatnonzero(
        (deals["shut_at"] >= from_moment) & (deals["shut_at"] < from_moment + DAY)
        & (deals["is_deleted"] == 0)
    )  # fmt: skip
    won = settled[STAGE_WON[deals["stage"][settled]]]
    _start_customers(state, rng, more, won[deals["deal_type"][won] == NEW])

    grown = won[deals["deal_type"][won] != NEW]
    rows = deals["subscription_id"][grown]
    _, first = np.unique(rows, return_index=True)
    grown, rows = grown[first], rows[first]
    usable = subscriptions["is_current"][rows] == 1
    grown, rows = grown[usable], rows[usable].astype(np.int64)
    yearly = in_currency(
        deals["true_amount"][grown], deals["currency"][grown], subscriptions["currency"][rows]
    )
    now = yearly_price(state, rows)
    yearly += np.where(deals["deal_type"][grown] == EXPANSION, now, 0)
    differs = yearly != now
    at = _moments(state, rng, len(grown))
    if differs.any():
        prices = repriced(state, rows[differs], yearly[differs])
        replace(state, rows[differs], prices, at[differs], grown[differs])

    lost = settled[np.isin(deals["stage"][settled], LOST[RENEWALS:])]
    rows = np.unique(deals["subscription_id"][lost])
    rows = rows[subscriptions["is_current"][rows] == 1]
    cancel(state, rows, _moments(state, rng, len(rows)))


def _start_customers(
    state: State, rng: np.random.Generator, more: np.random.Generator, deal: Ints
) -> None:
    """Customers of won deals subscribe, new ones now and then on trial."""
    deals, customers = state["opportunities"], state["customers"]
    account = state["contacts"]["account_id"][deals["contact_id"][deal]].astype(np.int64)
    customer_of = np.full(len(state["accounts"]), NONE, np.int64)
    there = np.flatnonzero(customers["is_deleted"] == 0)
    customer_of[customers["account_id"][there]] = there
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
    on_trial = np.isin(np.arange(len(deal)), new) & (more.random(len(deal)) < TRIAL_SHARE)
    _subscribe(state, rng, more, customer, at, deals["true_amount"][deal], currency, deal, on_trial)


def _subscribe(
    state: State, rng: np.random.Generator, more: np.random.Generator, customer: Ints, at: Ints,
    yearly: Ints, currency: Ints, deal: Ints, on_trial: Array | bool = False,
) -> None:  # fmt: skip
    if not len(customer):
        return
    plan, is_annual = rng.integers(0, 4, len(customer)), rng.random(len(customer)) < 0.4
    prices = drawn(more, yearly, currency, is_annual)
    subscribe(state, customer, at, currency, deal, plan, is_annual, prices, on_trial)


def _change_subscriptions(
    state: State, rng: np.random.Generator, more: np.random.Generator
) -> None:
    """Customers contract or leave between renewals, and some who left come back."""
    customers = state["customers"]
    ids = current(state)
    chance = rng.random(len(ids))
    smaller, gone = ids[chance < 0.00025], ids[chance > 0.9998]
    share = rng.uniform(0.5, 0.9, len(smaller))
    at = _moments(state, rng, len(smaller))
    if len(smaller):
        yearly = (yearly_price(state, smaller) * share).astype(np.int64)
        replace(state, smaller, repriced(state, smaller, yearly), at)
    cancel(state, gone, _moments(state, rng, len(gone)))

    left = np.flatnonzero(customers["churned_on"] != NULL_DAY)
    away = state.day - customers["churned_on"][left]
    back = left[(away > 45) & (away < 400) & (rng.random(len(left)) < 0.0006)]
    back = back[customers["is_deleted"][back] == 0]
    customers["churned_on"][back] = NULL_DAY
    currency = customers["currency"][back].astype(np.int64)
    yearly = (rng.lognormal(0, 0.5, len(back)) * 1_000_00 * SCALE[currency]).astype(np.int64)
    at = _moments(state, rng, len(back))
    none = np.full(len(back), NONE)
    _subscribe(state, rng, more, back, at, yearly * YEAR, currency, none)


def _open_customer_deals(state: State, rng: np.random.Generator) -> None:
    """Renewals when a subscription year draws to its end; expansions at any time."""
    subscriptions = state["subscriptions"]
    ids = current(state)
    age = (state.day - subscriptions["anchor_day"][ids]) % 365
    due = ids[age == RENEWAL_AGE_DAYS]
    growing = ids[(rng.random(len(ids)) < 0.0012) & (age != RENEWAL_AGE_DAYS)]
    uplift = np.where(rng.random(len(due)) < 0.35, rng.uniform(0.9, 1.25, len(due)), 1.0)
    smallest = SMALLEST[subscriptions["currency"][due]]
    year = (yearly_price(state, due) * uplift).astype(np.int64) // smallest * smallest
    _open_for(state, rng, due, RENEWAL, year)
    share = rng.uniform(0.15, 0.8, len(growing))
    extra = (yearly_price(state, growing) / YEAR * share).astype(np.int64) // 100 * 1200 + 1200
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


def _forget_customers(state: State, more: np.random.Generator) -> None:
    """Customers who left long ago are deleted now and then, at the day's end."""
    customers, subscriptions = state["customers"], state["subscriptions"]
    left = np.flatnonzero(
        (customers["churned_on"] != NULL_DAY) & (customers["is_deleted"] == 0)
        & (state.day - customers["churned_on"] > FORGOTTEN_AFTER_DAYS)
    )  # fmt: skip
    gone = left[more.random(len(left)) < FORGOTTEN_PER_DAY]
    gone = np.setdiff1d(gone, subscriptions["customer_id"][subscriptions["ended_at"] == NULL])
    state.change("customers", gone, "is_deleted", 1, state.now + DAY - 30 * 60 * 1_000_000)


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
