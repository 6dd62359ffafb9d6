"""The closing rule on the event log: when each deal moved between stages, and when it closed.

What a history tells are moves of the stage; the record's date is `closed_at`, else the day in
`close_date`. Both are read as known today, whatever the moment that is looked at: an entry made
late dates its closing earlier.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import NULL, NULL_DAY, STAGES
from ingestion.sandbox.world.store import Array
from tests.truth.calendar import Calendar

STATUS = np.array([stage.status for stage in STAGES])


def effective_moves(
    told: pd.DataFrame, closed_at: Ints, close_date: Ints, calendar: Calendar
) -> pd.DataFrame:
    """Moves between stages, the last closing of each closed deal dated by the rule.

    `told` has every move told, creation included, in order of time: `at, id, old, new`. The
    record's `closed_at` (a moment or NULL) and `close_date` (a day or NULL_DAY) are by deal.
    Returns the same columns by deal and time, with `is_closing` (into closed, or to another
    outcome) and `is_bare` (at the end of a bare day).
    """
    moves = told.sort_values(["id", "at"], kind="stable", ignore_index=True)
    deal, at = moves["id"].to_numpy(), moves["at"].to_numpy(np.int64, copy=True)
    status = STATUS[moves["new"].to_numpy()]
    is_open = status == "open"
    is_closing = ~is_open & (~_like_before(deal) | (status != np.roll(status, 1)))
    entered = pd.Series(np.where(is_open, at, NULL)).groupby(deal).cummax().to_numpy()
    last = _last_closings(deal, is_closing, is_open)
    window = entered[last], at[last]
    is_bare = np.zeros(len(moves), bool)
    at[last], is_bare[last] = closing_moments(
        *window, closed_at[deal[last]], close_date[deal[last]], calendar
    )
    return moves.assign(at=at, is_closing=is_closing, is_bare=is_bare)


def closing_moments(
    begins: Ints, told: Ints, closed_at: Ints, close_date: Ints, calendar: Calendar
) -> tuple[Ints, Array]:
    """When deals closed whose windows are from `begins` (NULL: unbounded) to `told`.

    The record's moment holds if it lies in the window, its day if any moment of it does: the told
    move of that day, else the day's last microsecond. Otherwise the told move. Also whether it is
    the end of a day, of which nobody knows the hour.
    """
    known = np.where(closed_at == NULL, told, closed_at)
    is_timed = (closed_at != NULL) & ~calendar.is_day(known)
    day = np.where(closed_at == NULL, close_date, calendar.local_day(known))
    first_day = calendar.local_day(np.where(begins == NULL, told, begins))
    told_day = calendar.local_day(told)
    by_moment = is_timed & (closed_at >= begins) & (closed_at <= told)
    by_day = ~is_timed & (day != NULL_DAY) & (day < told_day)
    by_day &= (begins == NULL) | (day >= first_day)
    day_ends = calendar.day_start(np.where(by_day, day, told_day) + 1) - 1
    return np.select([by_moment, by_day], [closed_at, day_ends], told), by_day


def _like_before(deal: Ints) -> Array:
    """Whether each row is of the same deal as the one before it."""
    return np.append(False, deal[1:] == deal[:-1])[: len(deal)]


def _last_closings(deal: Ints, is_closing: Array, is_open: Array) -> Ints:
    """Positions of the last closing of every deal whose last move leaves it closed."""
    position = pd.Series(np.where(is_closing, np.arange(len(deal)), -1)).groupby(deal).max()
    ends_open = pd.Series(is_open).groupby(deal).last()
    return position[~ends_open].to_numpy()
