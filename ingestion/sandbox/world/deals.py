"""Opportunities: how they move through their pipeline, change, close, merge and vanish."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    Ints,
    day_of,
    quarter_start,
    working_moments,
)
from ingestion.sandbox.world.openings import NEW_BUSINESS, convert_leads, duplicate, open_outbound
from ingestion.sandbox.world.people import CURRENCY_UNITS, active_reps, win_odds
from ingestion.sandbox.world.records import record_closings, step_records
from ingestion.sandbox.world.schema import (
    FIRST_STAGE,
    LOSS_REASONS,
    LOST,
    NO_DECISION,
    NONE,
    NULL,
    NULL_DAY,
    STAGE_ADVANCE,
    STAGE_CATEGORY,
    STAGE_DAYS,
    STAGE_LABELS,
    STAGE_OPEN,
    STAGE_WON,
    WON,
)
from ingestion.sandbox.world.store import State, Store

STREAM = 3
COMMIT, BEST_CASE = 3, 2
REOPEN_WINDOW_DAYS = 90
BULK_EDIT_MONTHS = (2, 5, 8, 11)
"""On the second Tuesday of these months an administrator edits every open or recent deal."""
REALIGNMENT_MONTH = 1
"""On the second Tuesday of this month territories are redrawn: many open deals change owner."""


def step_deals(state: State) -> None:
    """One day of all deals. Each process touches a field of a deal at most once a day."""
    rng = state.rng(STREAM)
    deals = state["opportunities"]
    open_deals = np.flatnonzero(deals["is_open"] == 1)
    closed_before = len(deals)
    step_records(state)
    moved = _move(state, rng, open_deals)
    still = np.setdiff1d(open_deals, moved, assume_unique=True)
    still = still[deals["is_open"][still] == 1]
    _slip(state, rng, still)
    _revise(state, rng, still)
    _reopen(state, rng, closed_before)
    convert_leads(state, rng)
    open_outbound(state, rng)
    duplicate(state, rng)
    _bulk_edit(state, rng)
    _merge_and_delete(state, rng, open_deals)


def _pace(state: State) -> float:
    """How fast deals move today relative to a calendar day."""
    today = day_of(state.day)
    if today.weekday() >= 5:
        return 0.05
    days_left = quarter_start(day_of(state.day + 14)) != quarter_start(today)
    return 1.38 * (state.causes.quarter_end_pace if days_left else 0.9)


def _move(state: State, rng: np.random.Generator, ids: Ints) -> Ints:
    """Let deals leave their stage: advance, skip, go back, or close. Returns those that did."""
    deals, causes = state["opportunities"], state.causes
    today, count = day_of(state.day), len(ids)
    stage = deals["stage"][ids].astype(np.int64)
    stays = STAGE_DAYS[stage]
    if today >= causes.bottleneck_from:
        bottleneck = STAGE_LABELS.index(causes.bottleneck_stage)
        stays = np.where(stage == bottleneck, stays * causes.bottleneck_factor, stays)
    stalled = deals["stalled_until"][ids] >= state.day
    leaving = (rng.random(count) < 1 - np.exp(-_pace(state) / stays)) & ~stalled
    idle = state.now - deals["last_activity_at"][ids] > causes.stale_after_days * DAY
    lost_stale = idle & (rng.random(count) < causes.stale_loss_per_day) & (today.weekday() < 5)
    starts = ~stalled & (rng.random(count) < 0.0025)
    deals["stalled_until"][ids[starts]] = state.day + rng.integers(20, 90, int(starts.sum()))

    moving = leaving | lost_stale
    ids, stage, idle, lost_stale = ids[moving], stage[moving], idle[moving], lost_stale[moving]
    count = len(ids)
    owner, pipeline = deals["owner_id"][ids], deals["pipeline"][ids].astype(np.int64)
    odds = STAGE_ADVANCE[stage] / (1 - STAGE_ADVANCE[stage]) * win_odds(state, owner, stage)
    odds *= np.where(idle, causes.stale_odds, 1.0)
    if quarter_start(today) == causes.bad_quarter:
        odds *= causes.bad_quarter_odds
    tested = STAGE_LABELS.index(causes.experiment_stage)
    treated = (stage == tested) & (deals["variant"][ids] == 1)
    odds *= np.where(treated, causes.experiment_odds, 1.0)

    advances = (rng.random(count) < odds / (1 + odds)) & ~lost_stale
    skips = advances & (rng.random(count) < np.where(pipeline == NEW_BUSINESS, 0.07, 0.03))
    forward = np.minimum(stage + 1 + skips, WON[pipeline])
    fate = rng.random(count)
    goes_back = ~lost_stale & (fate < 0.14) & (stage > FIRST_STAGE[pipeline])
    closed = np.where(fate < 0.74, LOST[pipeline], NO_DECISION[pipeline])
    target = np.where(advances, forward, np.where(goes_back, stage - 1, closed))
    at = working_moments(rng, state.day, deals["region"][ids])
    _enter_stage(state, rng, ids, target, at)
    return ids


def _enter_stage(state: State, rng: np.random.Generator, ids: Ints, target: Ints, at: Ints) -> None:
    """Move deals to a stage at moments `at`, with all that a move brings along."""
    if not len(ids):
        return
    deals = state["opportunities"]
    owner = deals["owner_id"][ids].copy()
    state.change("opportunities", ids, "stage", target, at, owner)
    usual = STAGE_CATEGORY[target]
    bolder = STAGE_OPEN[target] & (usual > 0) & (rng.random(len(ids)) < 0.08)
    state.change("opportunities", ids, "forecast_category", usual + (bolder & (usual < COMMIT)), at)

    closes = ~STAGE_OPEN[target]
    shut, when = ids[closes], at[closes]
    record_closings(state, shut, when)
    deals["is_open"][shut] = 0
    won = STAGE_WON[target[closes]]
    reason = rng.integers(0, len(LOSS_REASONS), len(shut))
    reason = np.where(won | (rng.random(len(shut)) < 0.08), NONE, reason)
    state.change("opportunities", shut, "loss_reason", reason, when)

    known_by_now = np.where(STAGE_WON[target], 0.9, np.where(closes, 0.0, 0.45))
    unpriced = (deals["amount"][ids] == NULL) & (rng.random(len(ids)) < known_by_now)
    late = ids[unpriced]
    state.change("opportunities", late, "amount", deals["true_amount"][late], at[unpriced])
    _assign_variants(state, rng, ids, target, at)


def _assign_variants(
    state: State, rng: np.random.Generator, ids: Ints, target: Ints, at: Ints
) -> None:
    deals, causes = state["opportunities"], state.causes
    if not causes.experiment_from <= day_of(state.day) < causes.experiment_to:
        return
    tested = STAGE_LABELS.index(causes.experiment_stage)
    entering = (target == tested) & (deals["variant"][ids] == NONE)
    units = ids[entering]
    variant = rng.integers(0, 2, len(units))
    deals["variant"][units] = variant
    state.create(
        "experiment_assignments", len(units), at[entering], experiment_id=0, unit_id=units,
        variant=variant, assigned_at=at[entering],
    )  # fmt: skip


def _slip(state: State, rng: np.random.Generator, ids: Ints) -> None:
    """Push overdue close dates out, and a few others out or in; note commits late in a quarter."""
    deals = state["opportunities"]
    if day_of(state.day).weekday() >= 5:
        return
    due = deals["close_date"][ids]
    known = due != NULL_DAY
    chance, count = rng.random(len(ids)), len(ids)
    overdue = known & (due < state.day) & (chance < 0.22)
    out = known & (due >= state.day) & (chance < 0.008)
    pulled = known & (due > state.day + 10) & (chance > 0.996)
    base = np.where(overdue, state.day, due)
    later = base + rng.integers(7, 60, count)
    earlier = np.maximum(due - rng.integers(3, 30, count), state.day + 2)
    new = np.where(pulled, earlier, later)
    changes = overdue | out | pulled
    at = working_moments(rng, state.day, deals["region"][ids])
    by = deals["owner_id"][ids].copy()
    state.change(
        "opportunities", ids[changes], "close_date", new[changes], at[changes], by[changes]
    )


def _revise(state: State, rng: np.random.Generator, ids: Ints) -> None:
    """Renegotiated amounts, another currency, another owner, another forecast category."""
    deals, count = state["opportunities"], len(ids)
    chance = rng.random(count)
    at = working_moments(rng, state.day, deals["region"][ids])
    factor = np.where(rng.random(count) < 0.62, rng.uniform(0.7, 0.98, count),
                      rng.uniform(1.02, 1.5, count))  # fmt: skip
    priced = deals["amount"][ids] != NULL
    by = deals["owner_id"][ids].copy()
    cut = priced & (chance < 0.008)
    new = (deals["amount"][ids] * factor / 100).astype(np.int64) * 100
    _set_amount(state, ids[cut], np.maximum(new[cut], 100), at[cut], by[cut])

    switch = priced & (chance > 0.9997)
    other = (deals["currency"][ids] + 1 + rng.integers(0, 2, count)) % 3
    rate = CURRENCY_UNITS[deals["currency"][ids]] / CURRENCY_UNITS[other]
    switched, new = ids[switch], (deals["amount"][ids] * rate / 100).astype(np.int64) * 100
    state.change("opportunities", switched, "currency", other[switch], at[switch], by[switch])
    _set_amount(state, switched, np.maximum(new[switch], 100), at[switch], by[switch])

    untouched = deals["updated_at"][ids] < state.now
    hand = untouched & (chance > 0.5) & (chance < 0.5006)
    reps = active_reps(state)
    heirs = reps[rng.integers(0, len(reps), count)]
    state.change("opportunities", ids[hand], "owner_id", heirs[hand], at[hand], by[hand])
    judged = (chance > 0.6) & (chance < 0.603)
    category = np.where(rng.random(count) < 0.5, COMMIT, BEST_CASE)
    state.change(
        "opportunities", ids[judged], "forecast_category", category[judged], at[judged], by[judged]
    )


def _set_amount(state: State, ids: Ints, amount: Ints, at: Ints, by: Ints) -> None:
    state.change("opportunities", ids, "amount", amount, at, by)
    state["opportunities"]["true_amount"][ids] = amount


def _reopen(state: State, rng: np.random.Generator, before: int) -> None:
    """Lost deals of the last weeks sometimes come back; rarely a win was booked by mistake."""
    deals = state["opportunities"]
    shut_at, is_open = deals["shut_at"][:before], deals["is_open"][:before] == 1
    recent = np.flatnonzero(
        ~is_open & (shut_at >= state.now - REOPEN_WINDOW_DAYS * DAY) & (shut_at < state.now)
        & (deals["told_on"][:before] < state.day)
    )  # fmt: skip
    recent = recent[(deals["is_deleted"][recent] == 0) & (deals["merged_into_id"][recent] == NONE)]
    won = STAGE_WON[deals["stage"][recent]]
    fresh = deals["shut_at"][recent] >= state.now - 3 * DAY
    chance = np.where(won, np.where(fresh, 0.0015, 0.0), 0.0006)
    back = recent[(rng.random(len(recent)) < chance) & (deals["pipeline"][recent] == 0)]
    at = working_moments(rng, state.day, deals["region"][back])
    state.change("opportunities", back, "closed_at", NULL, at)
    state.change("opportunities", back, "loss_reason", NONE, at)
    due = state.day + rng.integers(20, 70, len(back))
    state.change("opportunities", back, "close_date", due, at)
    deals["is_open"][back] = 1
    deals["shut_at"][back] = NULL
    deals["last_activity_at"][back] = at
    _enter_stage(state, rng, back, rng.integers(1, 5, len(back)), at)


def _bulk_edit(state: State, rng: np.random.Generator) -> None:
    """An administrator's edits: thousands of deals modified in one instant."""
    today = day_of(state.day)
    if today.weekday() != 1 or not 8 <= today.day <= 14:
        return
    deals = state["opportunities"]
    alive = (deals["is_deleted"] == 0) & (deals["merged_into_id"] == NONE)
    if today.month in BULK_EDIT_MONTHS:
        recent = (deals["is_open"] == 1) | (deals["shut_at"] >= state.now - 365 * DAY)
        state.touch("opportunities", np.flatnonzero(alive & recent), state.now + 18 * HOUR)
    if today.month == REALIGNMENT_MONTH:
        at = state.now + DAY - 2 * HOUR
        ids = np.flatnonzero(alive & (deals["is_open"] == 1) & (deals["updated_at"] < at))
        ids = ids[(rng.random(len(ids)) < 0.2) & (deals["owner_id"][ids] != NONE)]
        reps, users = active_reps(state), state["users"]
        region = users["region"][deals["owner_id"][ids]]
        heirs = reps[rng.integers(0, len(reps), len(ids))]
        same = users["region"][heirs] == region
        state.change("opportunities", ids[same], "owner_id", heirs[same], at)


def _merge_and_delete(state: State, rng: np.random.Generator, ids: Ints) -> None:
    """At the end of the day duplicates are merged into their originals and mistakes deleted."""
    deals = state["opportunities"]
    at = state.now + DAY - 20 * 60 * 1_000_000
    ids = ids[deals["is_open"][ids] == 1]
    original = deals["duplicate_of"][ids]
    usable = (deals["is_deleted"][original] == 0) & (deals["merged_into_id"][original] == NONE)
    merging = (original != NONE) & usable & (rng.random(len(ids)) < 0.10)
    merged, kept = _either_way(deals, rng, ids[merging], original[merging].astype(np.int64))
    state.change("opportunities", merged, "merged_into_id", kept, at)
    deals["is_open"][merged] = 0
    state.touch("opportunities", kept, at)

    rest = ids[(deals["is_open"][ids] == 1) & ~np.isin(ids, kept)]
    deleted = rest[rng.random(len(rest)) < 0.0003]
    closed = np.flatnonzero((deals["shut_at"] >= state.now - 30 * DAY) & (deals["is_deleted"] == 0))
    wiped = closed[(rng.random(len(closed)) < 0.00005) & ~STAGE_WON[deals["stage"][closed]]]
    deleted = np.concatenate([deleted, wiped])
    state.change("opportunities", deleted, "is_deleted", 1, at + MILLISECOND)
    deals["is_open"][deleted] = 0


def _either_way(
    deals: Store, rng: np.random.Generator, twice: Ints, original: Ints
) -> tuple[Ints, Ints]:
    """The deals that are merged away, and those they are merged into.

    Sometimes the duplicate is the one that is kept; the leads of the original are then its leads.
    """
    named, times = np.unique(original, return_counts=True)
    once = np.isin(original, named[times == 1]) & (deals["is_open"][original] == 1)
    turned = once & (rng.random(len(twice)) < 0.5)
    return np.where(turned, original, twice), np.where(turned, twice, original)
