"""How opportunities begin: out of leads, by outbound work, or entered a second time."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR, MILLISECOND, Ints, working_moments
from ingestion.sandbox.world.demand import CONVERTED, demand, due_today, new_accounts, recent_leads
from ingestion.sandbox.world.people import CURRENCY_UNITS, active_reps, region_currency
from ingestion.sandbox.world.schema import (
    FIRST_STAGE,
    LEAD_SOURCES,
    NONE,
    NULL,
    NULL_DAY,
    PRODUCTS,
    STAGE_CATEGORY,
)
from ingestion.sandbox.world.store import State

OUTBOUND_PER_DAY = 7.2
"""Mean deals of a weekday that no lead precedes, at scale 1 in the first year."""
DEAL_SIZE = np.array([9_000_00, 26_000_00, 85_000_00])
"""Median yearly contract value by segment, in US cents."""
LIST_PRICE = np.array([1_200_00, 900_00, 1_500_00, 3_000_00])
LIST_SCALE = np.array([100, 100, 100, 15_000, 30])
"""List prices by currency, in hundredths of those."""
NEW_BUSINESS, RENEWALS = 0, 1
NEW, EXPANSION, RENEWAL = range(3)
OUTBOUND_SOURCES = np.array([7, 8, 5])
CUSTOMER_SOURCE = LEAD_SOURCES.index("Customer")


def open_deals_for(
    state: State, rng: np.random.Generator, at: Ints, owner: Ints, account: Ints, **given: Ints
) -> Ints:
    """New deals in the first stage of their pipeline, with their contacts and line items.

    `given` may hold any column of opportunities; what it leaves out is drawn.
    """
    count = len(at)
    if not count:
        return np.empty(0, np.int64)
    accounts, users = state["accounts"], state["users"]
    segment = accounts["segment"][account].astype(np.int64)
    pipeline = given.pop("pipeline", np.zeros(count, np.int64))
    currency = given.pop("currency", None)
    if currency is None:
        usual = region_currency(users["region"][owner])
        currency = np.where(
            (usual == 1) & (rng.random(count) < 0.3), 2,
            np.where(rng.random(count) < 0.03, rng.integers(0, 3, count), usual),
        )  # fmt: skip
    drawn = DEAL_SIZE[segment] * rng.lognormal(0, 0.55, count) / CURRENCY_UNITS[currency]
    rounding = np.where(rng.random(count) < 0.8, 100_00, 1)
    drawn = np.maximum((drawn / rounding).round(), 1).astype(np.int64) * rounding
    true_amount = given.pop("true_amount", drawn)
    amount = np.where(rng.random(count) < 0.12, NULL, true_amount)
    stage = FIRST_STAGE[pipeline]
    expected = np.where(pipeline == RENEWALS, 60, 35 + 15 * segment)
    close_date = at // DAY + np.maximum(7, rng.normal(expected, 15)).astype(np.int64)
    missing_source, missing_region = rng.random(count) < 0.04, rng.random(count) < 0.10
    contact_early = at - (rng.exponential(4 * 24, count) * HOUR).astype(np.int64)
    contact_early = contact_early // MILLISECOND * MILLISECOND
    contact_early = np.where(rng.random(count) < 0.7, contact_early, NULL)
    values = {
        "deal_type": np.zeros(count, np.int64),
        "first_contact_at": contact_early,
        "lead_source": OUTBOUND_SOURCES[rng.integers(0, 3, count)],
        "contact_id": accounts["first_contact"][account],
        "close_date": close_date,
        "product": rng.choice(len(PRODUCTS), count, p=[0.4, 0.25, 0.2, 0.15]),
        **given,
    }
    values["lead_source"] = np.where(missing_source, NONE, values["lead_source"])
    mistaken = rng.random(count) < 0.003
    values["first_contact_at"] = np.where(mistaken, at + 200 * DAY, values["first_contact_at"])
    ids = state.create(
        "opportunities", count, at, owner,
        account_id=np.where(rng.random(count) < 0.01, NONE, account),
        owner_id=np.where(rng.random(count) < 0.005, NONE, owner), pipeline=pipeline, stage=stage,
        amount=amount, currency=currency, created_at=at,
        region=np.where(missing_region, NONE, accounts["region"][account]),
        segment=np.where(rng.random(count) < 0.07, NONE, segment),
        forecast_category=STAGE_CATEGORY[stage], is_open=1, true_amount=true_amount,
        last_activity_at=at, stalled_until=NULL_DAY, **values,
    )  # fmt: skip
    _add_contacts(state, rng, ids, account)
    _add_line_items(state, rng, ids)
    return ids


def _add_contacts(state: State, rng: np.random.Generator, ids: Ints, account: Ints) -> None:
    """The primary contact of each deal, and often others of its account."""
    deals, accounts = state["opportunities"], state["accounts"]
    primary = deals["contact_id"][ids]
    at = deals["created_at"][ids]
    state.create(
        "deal_contacts", len(ids), at, opportunity_id=ids, contact_id=primary, is_primary=1,
        created_at=at,
    )  # fmt: skip
    for position in range(3):
        other = accounts["first_contact"][account] + position
        has = (position < accounts["contact_count"][account]) & (other != primary)
        has &= rng.random(len(ids)) < 0.6
        state.create(
            "deal_contacts", int(has.sum()), at[has], opportunity_id=ids[has],
            contact_id=other[has], created_at=at[has],
        )  # fmt: skip


def _add_line_items(state: State, rng: np.random.Generator, ids: Ints) -> None:
    deals = state["opportunities"]
    items = np.repeat(ids, rng.integers(1, 3, len(ids)))
    first = np.r_[True, items[1:] != items[:-1]] if len(items) else np.empty(0, bool)
    any_product = rng.integers(0, len(PRODUCTS), len(items))
    product = np.where(first, deals["product"][items], any_product)
    quantity = rng.integers(1, 20, len(items))
    at, currency = deals["created_at"][items], deals["currency"][items]
    price = LIST_PRICE[product] * LIST_SCALE[currency] // 100
    state.create(
        "line_items", len(items), at, opportunity_id=items, product=product, quantity=quantity,
        unit_price=price, amount=price * quantity, currency=currency, created_at=at,
    )  # fmt: skip


def convert_leads(state: State, rng: np.random.Generator) -> None:
    """Leads whose time has come become deals of a new or a known account."""
    leads = state["leads"]
    recent = recent_leads(state)
    usable = (leads["is_deleted"][recent] == 0) & (leads["status"][recent] < CONVERTED)
    ids = due_today(state, recent[usable], "convert_due")
    reps = active_reps(state)
    drawn = reps[rng.integers(0, len(reps), len(ids))]
    owner = np.where(np.isin(leads["owner_id"][ids], reps), leads["owner_id"][ids], drawn)
    owner = owner.astype(np.int64)
    at = leads["convert_due"][ids]
    accounts = state["accounts"]
    known = (rng.random(len(ids)) < 0.25) & (len(accounts) > 0)
    account = rng.integers(0, max(len(accounts), 1), len(ids))
    account[~known] = new_accounts(state, rng, owner[~known], at[~known], ids[~known])
    touched = np.where(leads["first_response_at"][ids] == NULL, at, leads["first_response_at"][ids])
    deals = open_deals_for(
        state, rng, at, owner, account, lead_id=ids, campaign_id=leads["campaign_id"][ids],
        lead_source=leads["channel"][ids],
        first_contact_at=np.where(rng.random(len(ids)) < 0.95, touched, NULL),
    )  # fmt: skip
    for column, value in (
        ("account_id", account), ("contact_id", accounts["first_contact"][account]),
        ("opportunity_id", deals), ("converted_at", at), ("status", CONVERTED),
    ):  # fmt: skip
        state.change("leads", ids, column, value, at, owner)


def open_outbound(state: State, rng: np.random.Generator) -> None:
    """Deals that no lead precedes, of new and known accounts."""
    count = rng.poisson(OUTBOUND_PER_DAY * demand(state))
    reps, accounts = active_reps(state), state["accounts"]
    owner = reps[rng.integers(0, len(reps), count)]
    at = working_moments(rng, state.day, state["users"]["region"][owner])
    known = (rng.random(count) < 0.35) & (len(accounts) > 0)
    account = rng.integers(0, max(len(accounts), 1), count)
    account[~known] = new_accounts(state, rng, owner[~known], at[~known])
    open_deals_for(state, rng, at, owner, account)


def duplicate(state: State, rng: np.random.Generator) -> None:
    """Some of yesterday's deals are entered a second time by a colleague."""
    deals = state["opportunities"]
    recent = np.flatnonzero(
        (deals["created_at"] >= state.now - DAY) & (deals["created_at"] < state.now)
    )
    recent = recent[(deals["account_id"][recent] != NONE) & (deals["deal_type"][recent] == NEW)]
    twice = recent[(rng.random(len(recent)) < 0.03) & (deals["owner_id"][recent] != NONE)]
    owner = deals["owner_id"][twice].astype(np.int64)
    at = working_moments(rng, state.day, state["users"]["region"][owner])
    open_deals_for(
        state, rng, at, owner, deals["account_id"][twice].astype(np.int64),
        currency=deals["currency"][twice].astype(np.int64), duplicate_of=twice,
        true_amount=deals["true_amount"][twice],
    )  # fmt: skip
