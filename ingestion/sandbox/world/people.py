"""Users, their teams and training."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR, START, Ints, day_number, day_of
from ingestion.sandbox.world.schema import NULL_DAY, ROLES
from ingestion.sandbox.world.store import State

STREAM = 1
REP, MANAGER, SDR, MARKETING, OTHER = range(len(ROLES))
REPS_AT_START, REPS_AT_END = 44, 62
REPS_PER_TEAM = 8
MIN_REPS = 6
STREAM_OF_TRANSFERS = 9
TRANSFERS_PER_MONTH = 0.02
LEAVE_PER_WEEKDAY = 0.28 / 260
TEAM_REGION = np.array([0, 1, 0, 2, 1, 0, 0, 1])
TEAM_SEGMENT = np.array([0, 1, 1, 0, 0, 2, 0, 1])


def region_currency(region: Ints) -> Ints:
    """The usual currency of a region: USD, EUR in EMEA."""
    return np.where(region == 1, 1, 0)


def active_reps(state: State, roles: tuple[int, ...] = (REP,)) -> Ints:
    """Ids of the users of these roles who are with the company."""
    users = state["users"]
    return np.flatnonzero((users["is_active"] == 1) & np.isin(users["role"], roles))


def found_company(state: State) -> None:
    """The head of sales, marketing, one manager per team, SDRs and the first reps."""
    rng = state.rng(STREAM)
    founded = day_number(START)
    teams = max(2, -(-round(REPS_AT_END * state.scale) // REPS_PER_TEAM))
    numbers = np.arange(teams)
    common = {"is_active": 1, "hired_on": founded - 900}
    head = state.create("users", 1, state.now, role=OTHER, **common)
    state.create(
        "users", max(2, round(5 * state.scale)), state.now, role=MARKETING, manager_id=head[0],
        **common,
    )  # fmt: skip
    state.create(
        "users", teams, state.now, role=MANAGER, manager_id=head[0], team_number=numbers,
        region=TEAM_REGION[numbers % 8], segment=TEAM_SEGMENT[numbers % 8], **common,
    )  # fmt: skip
    _hire(state, rng, max(2, round(10 * state.scale)), SDR, founded - rng.integers(60, 900, 1))
    reps = max(MIN_REPS, round(REPS_AT_START * state.scale))
    _hire(state, rng, reps, REP, founded - rng.integers(0, 1200, reps))


def _hire(state: State, rng: np.random.Generator, count: int, role: int, hired_on: Ints) -> Ints:
    """New users, each on the team that has fewest of their role."""
    users, causes = state["users"], state.causes
    managers = np.flatnonzero(users["role"] == MANAGER)
    peers = (users["role"] == role) & (users["is_active"] == 1)
    sizes = np.bincount(users["team_number"][peers], minlength=len(managers))
    open_seats = np.repeat(np.arange(len(managers)), np.maximum(sizes.max() + count - sizes, 0))
    rank = np.concatenate([np.arange(sizes[t], sizes.max() + count) for t in range(len(managers))])
    team = open_seats[np.argsort(rank, kind="stable")][:count]
    slow = rng.random(count) < causes.slow_responder_share
    hours = np.where(slow, causes.slow_responder_hours, causes.responder_hours)
    weak = rng.random(count) < causes.weak_skill_share
    return state.create(
        "users", count, np.maximum(state.now, hired_on.astype(np.int64) * DAY) + 9 * HOUR,
        role=role, is_active=1, hired_on=hired_on, team_number=team, manager_id=managers[team],
        region=users["region"][managers[team]], segment=users["segment"][managers[team]],
        response_hours=hours * rng.lognormal(0, 0.25, count),
        weak_stage=np.where(weak, rng.integers(0, 6, count), NULL_DAY),
    )  # fmt: skip


def step_people(state: State) -> None:
    """Reps join on Mondays, leave on weekdays, take courses, change teams."""
    rng = state.rng(STREAM)
    today = day_of(state.day)
    if today.weekday() < 5:
        _leave(state, rng)
    if today.weekday() == 0:
        elapsed = (state.day - day_number(START)) / 1096
        target = (REPS_AT_START + (REPS_AT_END - REPS_AT_START) * elapsed) * state.scale
        missing = max(MIN_REPS, round(target)) - len(active_reps(state))
        if missing > 0:
            _hire(state, rng, missing, REP, np.full(missing, state.day))
    if today.day == 1:
        _transfer(state)
    if today.day == 15:
        _train(state, rng)


def _transfer(state: State) -> None:
    """On the first of a month, as it begins, a few reps change to another team."""
    users, rng = state["users"], state.rng(STREAM_OF_TRANSFERS)
    managers = np.flatnonzero(users["role"] == MANAGER)
    reps = active_reps(state)
    moving = reps[rng.random(len(reps)) < TRANSFERS_PER_MONTH]
    step = rng.integers(1, len(managers), len(moving))
    team = (users["team_number"][moving] + step) % len(managers)
    state.change("users", moving, "team_number", team, state.now)
    state.change("users", moving, "manager_id", managers[team], state.now)


def _leave(state: State, rng: np.random.Generator) -> None:
    reps = active_reps(state)
    leaving = reps[rng.random(len(reps)) < LEAVE_PER_WEEKDAY]
    if len(leaving) == len(reps):
        return
    at = state.now + 6 * HOUR
    state.change("users", leaving, "left_on", state.day, at)
    state.change("users", leaving, "is_active", 0, at)
    for user in leaving:
        _hand_over(state, rng, user, at + HOUR)


def _hand_over(state: State, rng: np.random.Generator, user: int, at: int) -> None:
    """Give a leaver's accounts, open deals and open leads to teammates, all in one instant."""
    users = state["users"]
    remaining = active_reps(state)
    team = remaining[users["team_number"][remaining] == users["team_number"][user]]
    heirs = team if len(team) else remaining
    owned = {
        "accounts": state["accounts"]["is_deleted"] == 0,
        "opportunities": state["opportunities"]["is_open"] == 1,
        "leads": (state["leads"]["status"] <= 2) & (state["leads"]["is_deleted"] == 0),
    }
    for entity, current in owned.items():
        ids = np.flatnonzero(current & (state[entity]["owner_id"] == user))
        state.change(entity, ids, "owner_id", heirs[rng.integers(0, len(heirs), len(ids))], at)


def _train(state: State, rng: np.random.Generator) -> None:
    """About an eighth of the reps complete a course, half of them the one they need."""
    users = state["users"]
    reps = active_reps(state)
    taken = reps[rng.random(len(reps)) < 0.12]
    weak = users["weak_stage"][taken]
    needed = (weak != NULL_DAY) & (rng.random(len(taken)) < 0.5)
    course = np.where(needed, weak, rng.integers(0, 6, len(taken)))
    at = state.now + 12 * HOUR + rng.integers(0, 5 * 3600, len(taken)) * 1_000_000
    state.create(
        "training", len(taken), at, user_id=taken, course=course, skill=course, completed_at=at,
        score=np.clip(rng.normal(78, 12, len(taken)), 0, 100).round(),
    )  # fmt: skip
    users["is_trained"][taken[course == weak]] = 1


def win_odds(state: State, owner: Ints, stage: Ints) -> Ints:
    """Odds ratio of advancing that comes from the owner: ramp and the skill of the stage."""
    users, causes = state["users"], state.causes
    tenure = state.day - users["hired_on"][owner]
    ramp = causes.ramp_odds + (1 - causes.ramp_odds) * np.clip(tenure / causes.ramp_days, 0, 1)
    trained = users["is_trained"][owner] == 1
    lacking = np.where(trained, causes.trained_skill_odds, causes.weak_skill_odds)
    weak = (users["weak_stage"][owner] == stage) & (stage < 6)
    return np.where(owner < 0, 1.0, ramp * np.where(weak, lacking, 1.0))


CURRENCY_UNITS = np.array([1.0, 1.08, 1.27, 1 / 150, 3.25])
"""Rough value of one unit of each currency in USD, for setting prices."""
