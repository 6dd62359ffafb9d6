"""What people plan to do next on deals: tasks and meetings that wait until they are done, or not.

They draw from a stream of their own, and nothing else depends on them: deals go as they would
without.
"""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, Ints, day_of, working_moments
from ingestion.sandbox.world.schema import (
    ACTIVITY_TYPES,
    DIRECTIONS,
    NONE,
    NULL,
    NULL_DAY,
    OUTCOMES,
)
from ingestion.sandbox.world.store import State

STREAM = 20
PLANS_PER_WEEKDAY = 0.06
"""Chance that the owner of an open deal without a next step plans one."""
AHEAD_DAYS = (2, 20)
"""A step is due so many days after it was planned, and on a weekday (upper bound excluded)."""
MEETING_SHARE = 0.25
EARLY_SHARE, LATE_SHARE, FORGOTTEN_SHARE = 0.1, 0.2, 0.08
LATE_DAYS = (1, 9)
LEFT_AFTER_CLOSING = 0.15
"""Share of the steps that stay planned once their deal has closed."""


def step_next_steps(state: State) -> None:
    """One day: what was planned is done, and more is planned."""
    rng = state.rng(STREAM)
    _do(state, rng)
    if day_of(state.day).weekday() < 5:
        _plan(state, rng)


def _do(state: State, rng: np.random.Generator) -> None:
    """What is meant to be done today is, unless its deal has stalled, or perhaps closed."""
    activities, deals = state["activities"], state["opportunities"]
    meant = activities["meant_at"]
    steps = np.flatnonzero((meant >= state.now) & (meant < state.now + DAY))
    deal = activities["opportunity_id"][steps]
    is_left = (deals["is_open"][deal] == 0) & (rng.random(len(steps)) < LEFT_AFTER_CLOSING)
    done = steps[~is_left & (deals["stalled_until"][deal] < state.day)]
    at = meant[done]
    state.change("activities", done, "done_at", at, at, activities["owner_id"][done])


def _plan(state: State, rng: np.random.Generator) -> None:
    activities, deals, users = state["activities"], state["opportunities"], state["users"]
    waiting = (activities["is_plan"] == 1) & (activities["done_at"] == NULL)
    has_step = np.zeros(len(deals), bool)
    has_step[activities["opportunity_id"][waiting]] = True
    ids = np.flatnonzero(
        (deals["is_open"] == 1) & (deals["created_at"] < state.now) & ~has_step
        & (deals["owner_id"] != NONE) & (deals["stalled_until"] < state.day)
    )  # fmt: skip
    deal = ids[rng.random(len(ids)) < PLANS_PER_WEEKDAY]
    count, owner = len(deal), deals["owner_id"][deal].copy()
    region = users["region"][owner].astype(np.int64)
    is_meeting = rng.random(count) < MEETING_SHARE
    due_on = _weekday(state.day + rng.integers(*AHEAD_DAYS, count))
    due_at = due_on * DAY + working_moments(rng, 0, region)
    fate = rng.random(count)
    moved = np.where(fate < EARLY_SHARE, -1, np.where(fate > 1 - LATE_SHARE, 1, 0))
    days = np.where(moved > 0, rng.integers(*LATE_DAYS, count), moved)
    is_forgotten = rng.random(count) < FORGOTTEN_SHARE
    planned_at = working_moments(rng, state.day, region)
    state.create(
        "activities", count, planned_at, is_plan=1,
        type=np.where(is_meeting, ACTIVITY_TYPES.index("meeting"), ACTIVITY_TYPES.index("task")),
        direction=DIRECTIONS.index("out"), occurred_at=planned_at, due_at=due_at,
        meant_at=np.where(is_forgotten, NULL, due_at + days * DAY), owner_id=owner,
        opportunity_id=deal, contact_id=deals["contact_id"][deal],
        account_id=deals["account_id"][deal],
        duration_seconds=np.where(is_meeting, rng.integers(2, 8, count) * 450, NULL_DAY),
        outcome=np.where(is_meeting, OUTCOMES.index("completed"), NONE),
    )  # fmt: skip


def _weekday(day: Ints) -> Ints:
    """The days, those of week-ends moved to the Monday after."""
    weekday = (day + 3) % 7
    return day + np.where(weekday >= 5, 7 - weekday, 0)
