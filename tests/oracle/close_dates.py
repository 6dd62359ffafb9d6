"""When open deals were expected to close: what their histories tell, and who was open then."""

from __future__ import annotations

import pandas as pd

from tests.oracle.records import Records
from tests.oracle.states import EARLIEST, deals_at, timelines

INSTANT = pd.Timedelta(microseconds=1)


def close_dates(records: Records) -> pd.DataFrame:
    """Changes of close dates, in order; none: the source has no history of them.

    What a date was that had been taken away, the change that took it away tells.
    """
    changes = records["changes"]
    dates = changes[changes["field"] == "close_date"].sort_values("changed_at", kind="stable")
    before = dates.groupby("entity_id")[["old_value", "new_value"]].shift()
    old = dates["old_value"].fillna(before["new_value"]).fillna(before["old_value"])
    return dates.assign(old_value=old)


def known_from(records: Records) -> pd.Timestamp | None:
    """Since when the source has a history of close dates; None: it has none.

    A log that tells nothing of a deal that closed before its first row began with that row.
    """
    changes = records["changes"]
    if close_dates(records).empty:
        return None
    begins_at = changes["changed_at"].min()
    moved = changes[changes["field"] == "stage"]["entity_id"]
    if moved.empty:
        return EARLIEST
    untold = records["deals"][~records["deals"]["source_id"].isin(moved)]
    dated = untold["closed_at"].fillna(records.moments(untold["close_date"]))
    closed = untold["source_id"].map(lambda deal: timelines(records)[deal].closing is not None)
    return begins_at if (closed & (dated < begins_at)).any() else EARLIEST


def open_before(records: Records, moment: pd.Timestamp) -> pd.DataFrame:
    """Deals open just before a moment, known to have begun, and then in the pipeline."""
    state = deals_at(records, moment - INSTANT)
    has_begun = state["begins_at"] < moment
    return state[(state["status"] == "open") & state["removal"].isna() & has_begun]


def open_ids(records: Records, moment: pd.Timestamp) -> set[str]:
    """Deals open at a moment."""
    return {id for id, life in timelines(records).items() if life.at(moment).status == "open"}


def pushed_behind(
    records: Records, history: pd.DataFrame, begins_at: pd.Timestamp, end: str
) -> set[str]:
    """Deals whose close date was moved from before `end` to it or later while they were open."""
    lives = timelines(records)
    moved = history[
        (history["changed_at"] >= begins_at)
        & (history["old_value"].fillna("9999") < end)
        & (history["new_value"].fillna("") >= end)
    ]
    return {
        deal
        for deal, at in zip(moved["entity_id"], moved["changed_at"], strict=True)
        if deal in lives and lives[deal].at(at).status == "open"
    }
