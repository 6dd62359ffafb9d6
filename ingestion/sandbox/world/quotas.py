"""What is asked of reps and teams: quotas of revenue, deals and activities."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    START,
    Ints,
    add_months,
    day_number,
    day_of,
    quarter_start,
)
from ingestion.sandbox.world.people import CURRENCY_UNITS, REP, active_reps, region_currency
from ingestion.sandbox.world.schema import GRAINS, MEASURES, NONE, NULL, STAGE_WON
from ingestion.sandbox.world.store import Array, State

STREAM = 6
MONTH, QUARTER, _ = range(len(GRAINS))
REVENUE, DEALS, ACTIVITIES = range(len(MEASURES))
LEAD_DAYS = 10
"""Quotas are set so many days before their quarter begins."""
PLAN = np.array([120_000_00, 220_000_00, 560_000_00])
"""Revenue that the first plan expects of a tenured rep in a quarter, by segment, in US cents."""
FIRST_QUARTERS = (0.3, 0.7)
"""Share of the plan that is asked while there are no results to go by."""
LOOK_BACK_DAYS = 182
STRETCH = 1.02
"""What is asked relative to what was won lately."""
DEALS_PER_MONTH = np.array([4_00, 3_00, 3_00])
"""By segment; counts, too, are in hundredths, as every amount."""
ACTIVITIES_PER_MONTH = 150_00
TEAM_SHARE = 0.5
"""Share of the teams that have a target of their own, a little below what their reps add up to."""
TEAM_HEDGE = 0.9
PRORATED_SHARE = 0.75
"""Share of the reps who get quotas from the day they join; others wait for the next quarter."""


def step_quotas(state: State) -> None:
    """Set the quotas of the first quarter when it begins, of every later one days before."""
    rng = state.rng(STREAM)
    today = day_of(state.day)
    begins = quarter_start(today + timedelta(days=LEAD_DAYS))
    if today == START:
        _set_quarter(state, rng, today)
    elif begins == today + timedelta(days=LEAD_DAYS):
        _set_quarter(state, rng, begins)
    _welcome(state, rng, today)


def _set_quarter(state: State, rng: np.random.Generator, begins: date) -> None:
    """Quarterly revenue, monthly deals and activities of the reps of the day, and team targets."""
    users, reps = state["users"], active_reps(state)
    revenue = _revenue(state, reps, day_number(begins)) * rng.uniform(0.9, 1.1, len(reps))
    start = np.full(len(reps), day_number(begins))
    _ask(state, reps, start, QUARTER, REVENUE, revenue)
    for month in range(3):
        start = np.full(len(reps), day_number(add_months(begins, month)))
        _ask(state, reps, start, MONTH, DEALS, DEALS_PER_MONTH[users["segment"][reps]])
        _ask(state, reps, start, MONTH, ACTIVITIES, np.full(len(reps), ACTIVITIES_PER_MONTH))
    teams = np.unique(users["team_number"][reps])
    teams = teams[rng.random(len(teams)) < TEAM_SHARE]
    of_team = np.bincount(users["team_number"][reps], revenue)[teams] * TEAM_HEDGE
    state.create(
        "quotas", len(teams), state.now + 10 * HOUR, team_number=teams, period_grain=QUARTER,
        period_start=day_number(begins), measure=REVENUE, amount=_rounded(of_team), currency=0,
    )  # fmt: skip


def _welcome(state: State, rng: np.random.Generator, today: date) -> None:
    """Monthly quotas for those who joined today, up to the first quarter that has them in it."""
    users = state["users"]
    joined = np.flatnonzero((users["role"] == REP) & (users["hired_on"] == state.day))
    joined = joined[rng.random(len(joined)) < PRORATED_SHARE]
    if not len(joined) or today.day > 28:
        return
    covered = add_months(quarter_start(today + timedelta(days=LEAD_DAYS)), 3)
    begins = today
    while begins < covered:
        start = np.full(len(joined), day_number(begins))
        revenue = _revenue(state, joined, day_number(begins)) / 3
        _ask(state, joined, start, MONTH, REVENUE, revenue)
        begins = add_months(begins, 1)


def _ask(state: State, reps: Ints, start: Ints, grain: int, measure: int, amount: Array) -> None:
    """Quotas of reps; revenue comes in US cents and is asked in the currency of the region."""
    currency = region_currency(state["users"]["region"][reps])
    if measure == REVENUE:
        amount = _rounded(amount / CURRENCY_UNITS[currency])
    state.create(
        "quotas", len(reps), state.now + 10 * HOUR, owner_id=reps, period_start=start,
        period_grain=grain, measure=measure, amount=amount,
        currency=currency if measure == REVENUE else NONE,
    )  # fmt: skip


def _rounded(cents: Array) -> Ints:
    return np.maximum((cents / 100_00).round(), 1).astype(np.int64) * 100_00


def _revenue(state: State, reps: Ints, day: int) -> Array:
    """What is asked of reps for a quarter that begins on a day, in US cents; new ones have less."""
    everyone = active_reps(state)
    ramp = _ramp(state, everyone, state.day)
    plan = PLAN[state["users"]["segment"][everyone]] * ramp
    quarters = (quarter_start(day_of(day)) - START).days // 90
    if quarters < len(FIRST_QUARTERS):
        level = FIRST_QUARTERS[quarters]
    else:
        level = STRETCH * _won_per_quarter(state) / plan.sum()
    return PLAN[state["users"]["segment"][reps]] * _ramp(state, reps, day) * level


def _ramp(state: State, reps: Ints, day: int) -> Array:
    tenure = day - state["users"]["hired_on"][reps]
    return np.clip(0.4 + 0.6 * tenure / state.causes.ramp_days, 0.4, 1.0)


def _won_per_quarter(state: State) -> float:
    """Won lately, in US cents."""
    deals = state["opportunities"]
    recent = deals["shut_at"] >= state.now - LOOK_BACK_DAYS * DAY
    won = recent & STAGE_WON[deals["stage"]] & (deals["amount"] != NULL)
    worth = deals["amount"][won] * CURRENCY_UNITS[deals["currency"][won]]
    return float(worth.sum()) * 91 / LOOK_BACK_DAYS
