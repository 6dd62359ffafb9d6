"""What people do around leads, deals and customers: activities, content, touches, surveys."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    START,
    Ints,
    day_of,
    quarter_start,
    to_moment,
    working_moments,
)
from ingestion.sandbox.world.demand import CONVERTED, due_today, recent_leads
from ingestion.sandbox.world.people import active_reps
from ingestion.sandbox.world.schema import CHANNELS, CONTENT_TYPES, NONE, NULL, NULL_DAY, STAGE_WON
from ingestion.sandbox.world.store import State

STREAM = 4
CALL, EMAIL, MEETING, DEMO, TASK, NOTE = range(6)
IN, OUT = range(2)
DEAL_ACTIVITIES_PER_DAY = 0.42
"""Mean activities on an open deal per calendar day; weekends have almost none."""
STAGE_TYPES = np.array(
    [[0.38, 0.40, 0.10, 0.01, 0.06, 0.05], [0.30, 0.38, 0.18, 0.03, 0.06, 0.05],
     [0.15, 0.35, 0.15, 0.25, 0.05, 0.05], [0.20, 0.48, 0.18, 0.03, 0.06, 0.05],
     [0.25, 0.40, 0.22, 0.01, 0.07, 0.05], [0.25, 0.50, 0.12, 0.00, 0.08, 0.05]]
)  # fmt: skip
"""Shares of the activity types by stage of new business; renewals are like its last stage."""
CONTENT_ITEMS = 40


def found_library(state: State) -> None:
    """The sales content and the one experiment of the company."""
    causes = state.causes
    topic = np.arange(CONTENT_ITEMS)
    state.create(
        "content", CONTENT_ITEMS, to_moment(START), type=topic % len(CONTENT_TYPES), topic=topic
    )
    state.create(
        "experiments", 1, to_moment(START), unit=0, primary_metric=0,
        started_at=to_moment(causes.experiment_from), ended_at=to_moment(causes.experiment_to),
    )  # fmt: skip


def step_engagement(state: State) -> None:
    """One day of activities on deals and leads, later touches, surveys and weekly forecasts."""
    rng = state.rng(STREAM)
    _answer_leads(state, rng)
    _follow_leads(state, rng)
    _work_deals(state, rng)
    _touch_deals(state, rng)
    _survey(state, rng)
    if day_of(state.day).weekday() == 0:
        _submit_forecasts(state, rng)


def _log_activities(
    state: State, rng: np.random.Generator, kind: Ints, at: Ints, known_at: Ints, **links: Ints
) -> Ints:
    count = len(kind)
    if not count:
        return np.empty(0, np.int64)
    long = np.isin(kind, (MEETING, DEMO))
    timed = long | (kind == CALL)
    seconds = np.where(long, rng.integers(2, 8, count) * 450, rng.exponential(420, count) + 10)
    happened = rng.random(count) < np.where(kind == CALL, 0.45, 0.88)
    outcome = np.where(
        long, np.where(happened, 2, 3), np.where(kind == CALL, np.where(happened, 0, 1), NONE)
    )
    both_ways = np.isin(kind, (CALL, EMAIL))
    inward = both_ways & (rng.random(count) < 0.22)
    direction = links.pop("direction", np.where(inward, IN, OUT))
    return state.create(
        "activities", count, known_at, type=kind, direction=direction, occurred_at=at,
        due_at=np.where(kind == TASK, at, NULL),
        duration_seconds=np.where(timed, seconds, NULL_DAY).astype(np.int64),
        outcome=np.where(rng.random(count) < 0.03, NONE, outcome), **links,
    )  # fmt: skip


def _answer_leads(state: State, rng: np.random.Generator) -> None:
    leads = state["leads"]
    recent = recent_leads(state)
    answered = due_today(state, recent[leads["is_deleted"][recent] == 0], "first_response_at")
    at = leads["first_response_at"][answered]
    kind = np.where(rng.random(len(answered)) < 0.6, EMAIL, CALL)
    _log_activities(
        state, rng, kind, at, at, lead_id=answered, owner_id=leads["owner_id"][answered],
        direction=np.full(len(answered), OUT),
    )  # fmt: skip


def _follow_leads(state: State, rng: np.random.Generator) -> None:
    leads = state["leads"]
    recent = recent_leads(state)
    answered_at = leads["first_response_at"][recent]
    active = (answered_at != NULL) & (answered_at < state.now - DAY)
    active &= (answered_at > state.now - 15 * DAY) & (leads["status"][recent] < CONVERTED)
    ids = recent[active & (leads["is_deleted"][recent] == 0)]
    rate = 0.10 if day_of(state.day).weekday() < 5 else 0.005
    ids = ids[rng.random(len(ids)) < rate]
    owner = leads["owner_id"][ids]
    at = working_moments(rng, state.day, state["users"]["region"][owner].astype(np.int64))
    kind = rng.choice(3, len(ids), p=[0.35, 0.55, 0.10])
    _log_activities(state, rng, kind, at, at, lead_id=ids, owner_id=owner)


def _work_deals(state: State, rng: np.random.Generator) -> None:
    deals, users = state["opportunities"], state["users"]
    ids = np.flatnonzero((deals["is_open"] == 1) & (deals["created_at"] < state.now))
    weekday = day_of(state.day).weekday() < 5
    rate = DEAL_ACTIVITIES_PER_DAY * (1.4 if weekday else 0.04)
    expected = np.where(deals["stalled_until"][ids] >= state.day, 0.0, rate)
    expected *= np.where(deals["pipeline"][ids] == 1, 0.5, 1.0)
    deal = np.repeat(ids, rng.poisson(expected))
    count = len(deal)
    shares = np.cumsum(STAGE_TYPES, axis=1)
    stage = np.minimum(deals["stage"][deal], 5)
    kind = (rng.random(count)[:, None] > shares[stage, :-1]).sum(axis=1)
    owner = deals["owner_id"][deal].copy()
    region = np.where(owner == NONE, NONE, users["region"][owner]).astype(np.int64)
    known_at = working_moments(rng, state.day, region)
    logged_late = rng.random(count) < 0.03
    at = np.maximum(known_at - np.where(logged_late, DAY, 0), deals["created_at"][deal])
    contact = deals["contact_id"][deal]
    shares_content = np.isin(kind, (EMAIL, DEMO)) & (rng.random(count) < 0.12)
    content = rng.integers(0, CONTENT_ITEMS, count)
    _log_activities(
        state, rng, kind, at, known_at, owner_id=owner, opportunity_id=deal, contact_id=contact,
        account_id=deals["account_id"][deal], content_id=np.where(shares_content, content, NONE),
    )  # fmt: skip
    np.maximum.at(deals["last_activity_at"], deal, at)
    used = shares_content
    state.create(
        "content_usage", int(used.sum()), known_at[used], content_id=content[used],
        user_id=owner[used], opportunity_id=deal[used], occurred_at=at[used],
    )  # fmt: skip


def _touch_deals(state: State, rng: np.random.Generator) -> None:
    """Marketing reaches the contacts of open deals too."""
    deals = state["opportunities"]
    ids = np.flatnonzero((deals["is_open"] == 1) & (deals["created_at"] < state.now))
    ids = ids[rng.random(len(ids)) < 0.012]
    at = working_moments(rng, state.day, np.full(len(ids), NONE))
    state.create(
        "touches", len(ids), at, occurred_at=at, type=rng.choice([1, 3, 4], len(ids)),
        channel=rng.integers(2, len(CHANNELS), len(ids)), contact_id=deals["contact_id"][ids],
        opportunity_id=ids,
    )  # fmt: skip


def _survey(state: State, rng: np.random.Generator) -> None:
    """Satisfaction asked now and then of customers, and ten days after a win."""
    customers, deals = state["customers"], state["opportunities"]
    asked = np.flatnonzero(rng.random(len(customers)) < 1 / 150)
    won = np.flatnonzero(
        (deals["shut_at"] >= state.now - 10 * DAY) & (deals["shut_at"] < state.now - 9 * DAY)
        & STAGE_WON[deals["stage"]]
    )  # fmt: skip
    won = won[rng.random(len(won)) < 0.3]
    count = len(asked)
    at = state.now + 9 * HOUR + rng.integers(0, 36_000, count + len(won)) * 1_000_000
    unhappy = customers["churned_on"][asked] != NULL_DAY
    score = np.clip(rng.normal(np.where(unhappy, 5.0, 8.2), 1.8), 0, 10).round()
    state.create(
        "surveys", count, at[:count], account_id=customers["account_id"][asked],
        occurred_at=at[:count], type=0, score=score,
    )  # fmt: skip
    state.create(
        "surveys", len(won), at[count:], account_id=deals["account_id"][won], opportunity_id=won,
        occurred_at=at[count:], type=1, score=rng.choice([2, 3, 4, 5], len(won)),
    )  # fmt: skip


def _submit_forecasts(state: State, rng: np.random.Generator) -> None:
    """Every Monday each rep forecasts the current quarter by category, off by some 15%."""
    deals = state["opportunities"]
    begins = quarter_start(day_of(state.day))
    begins_day = (begins - START).days + to_moment(START) // DAY
    ends_day = to_moment(quarter_start(day_of(begins_day + 95))) // DAY
    reps = active_reps(state)
    due = (deals["close_date"] >= begins_day) & (deals["close_date"] < ends_day)
    valued = due & (deals["amount"] != NULL) & (deals["owner_id"] != NONE)
    valued &= (deals["is_open"] == 1) | (deals["forecast_category"] == 4)
    valued &= (deals["is_deleted"] == 0) & ~np.isin(deals["stage"], (7, 8, 13))
    for category in (2, 3, 4):
        ids = np.flatnonzero(valued & (deals["forecast_category"] == category))
        total = np.bincount(
            deals["owner_id"][ids], deals["amount"][ids], minlength=len(state["users"])
        )
        noise = rng.lognormal(0, 0.15, len(reps)) if category < 4 else 1.0
        amount = (total[reps] * noise / 100_00).round().astype(np.int64) * 100_00
        at = state.now + 15 * HOUR + rng.integers(0, 7_200, len(reps)) * 1_000_000
        state.create(
            "forecast_submissions", len(reps), at, owner_id=reps, period_start=begins_day,
            category=category, amount=amount, submitted_at=at,
        )  # fmt: skip
