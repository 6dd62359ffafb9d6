"""How closings reach the records: at once or late, as moments or days, and what histories tell."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints, working_moments
from ingestion.sandbox.world.schema import NONE, NULL, POST_SALE, STAGE_WON
from ingestion.sandbox.world.store import State

STREAM = 7
LATE_DAYS = (1, 10)
"""A closing that is entered late is entered so many days later (upper bound excluded)."""
LAG_DAYS = (2, 7)
MISTYPED_SHARE = 0.2
"""Of the dates that are not set on closing, the share that is a year ahead."""
HANDED_OVER_SHARE = 0.7
HANDED_OVER_DAYS = 12
"""Won deals move on to their pipeline's stage after the sale so many days after closing."""


def record_closings(state: State, ids: Ints, at: Ints) -> None:
    """Note what the record says of deals that are being closed at moments `at`.

    Most get that moment; some a bare day; some were closed days before; of some the expected date
    is left as it was. The history of some tells of the move only days later.
    """
    deals, causes, count = state["opportunities"], state.causes, len(ids)
    rng = state.rng(STREAM)
    deals["shut_at"][ids] = at
    habit = rng.random(count)
    is_late = habit < causes.late_entry_share
    is_left = ~is_late & (habit < causes.late_entry_share + causes.left_date_share)
    is_bare = rng.random(count) < np.where(is_late, 0.5, causes.bare_date_share)
    ago = np.where(is_late, rng.integers(*LATE_DAYS, count), 0)
    closed_at = at - ago * DAY
    close_date = np.where(is_left, deals["close_date"][ids], closed_at // DAY)
    mistyped = is_left & (rng.random(count) < MISTYPED_SHARE)
    close_date = np.where(mistyped, at // DAY + 365, close_date)
    recorded = np.where(is_bare | is_left, NULL, closed_at)
    state.change("opportunities", ids, "closed_at", recorded, at)
    state.change("opportunities", ids, "close_date", close_date, at)

    lags = (recorded == at) & (rng.random(count) < causes.lagging_share)
    lags &= deals["untold_at"][ids] == NULL
    lagging = ids[lags]
    deals["untold_at"][lagging] = at[lags]
    deals["told_on"][lagging] = state.day + rng.integers(*LAG_DAYS, len(lagging))


def step_records(state: State) -> None:
    """Histories catch up, and deals won some days ago are handed over."""
    deals, rng = state["opportunities"], state.rng(STREAM + 1)
    alive = (deals["is_deleted"] == 0) & (deals["merged_into_id"] == NONE)
    told = np.flatnonzero(alive & (deals["told_on"] == state.day))
    state.touch("opportunities", told, telling(deals["told_on"][told]))

    first = state.now - HANDED_OVER_DAYS * DAY
    settled = alive & (deals["shut_at"] >= first) & (deals["shut_at"] < first + DAY)
    won = np.flatnonzero(settled & STAGE_WON[deals["stage"]])
    won = won[rng.random(len(won)) < HANDED_OVER_SHARE]
    pipeline = deals["pipeline"][won].astype(np.int64)
    at = working_moments(rng, state.day, deals["region"][won])
    owner = deals["owner_id"][won].copy()
    state.change("opportunities", won, "stage", POST_SALE[pipeline], at, owner)


def telling(day: Ints) -> Ints:
    """When a history that lags tells of a closing, on its day."""
    return day.astype(np.int64) * DAY + 20 * HOUR
