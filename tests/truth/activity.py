"""Truth of the Activity metrics: activities, lead response, follow-up, touches per win."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, HOUR
from ingestion.sandbox.world.schema import DIRECTIONS, NONE, NULL, NULL_DAY, ROLES
from tests.truth.calendar import first_day
from tests.truth.history import DEAL_CUTS, OWNER_CUTS, History
from tests.truth.leads import LEAD_CUTS, leads
from tests.truth.table import Tall

OUT = DIRECTIONS.index("out")
TOUCHED_WITHIN = 14 * DAY


def add_activity(history: History, tall: Tall) -> None:
    """All Activity metrics."""
    happened = _activities(history)
    _counts(happened, history, tall)
    _response(happened, history, tall)
    _follow_up(happened, history, tall)
    _touches_per_won_deal(happened, history, tall)


def _activities(history: History) -> pd.DataFrame:
    """Every activity that happened up to as-of, whenever it was logged."""
    names = ("type", "direction", "owner_id", "opportunity_id", "lead_id")
    frame = pd.DataFrame({name: history.fact("activities", name) for name in names})
    frame["occurred_at"] = history.happened_at
    return frame[frame["occurred_at"] != NULL].reset_index(drop=True)


def _counts(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """activities: by owner, on whatever record, also one deleted since.

    `per_rep_day`: activities of users whose role is rep, by the working days (Monday to Friday,
    no holidays) on which reps were active: from the first activity on record, the day of hiring
    included, the day of leaving not, up to the as-of day. Periods are those with an activity;
    `n_included` counts months of reps.
    """
    members = history.owner_cuts(happened["owner_id"], happened["occurred_at"].to_numpy())
    day = history.local_day(happened["occurred_at"])
    members["month"] = history.month(happened["occurred_at"])
    members["activity_type"] = happened["type"].astype(np.int64)
    tall.add("activities", members, (*OWNER_CUTS, "activity_type"), unit="count", numerator=1)
    if not len(members):
        return
    is_rep = np.isin(members["rep"], np.flatnonzero(history.users["role"] == ROLES.index("rep")))
    done = members[is_rep].assign(amount=1)
    worked = _rep_days(history, int(day.min()), np.unique(done["month"]))
    tall.add_quotient("activities", done, worked, OWNER_CUTS, unit="count", variant="per_rep_day")


def _rep_days(history: History, first: int, months: Any) -> pd.DataFrame:
    """Working days of each rep in each month as `amount`, with the rep's cuts."""
    reps = np.flatnonzero(history.users["role"] == ROLES.index("rep"))
    hired = history.users["hired_on"].to_numpy()[reps].astype(np.int64)
    left = history.users["left_on"].to_numpy()[reps].astype(np.int64)
    gone = np.where(left == NULL_DAY, history.today + 1, np.minimum(left, history.today + 1))
    month, rep = np.repeat(months, len(reps)), np.tile(np.arange(len(reps)), len(months))
    begins = np.maximum(np.maximum(first_day(month), hired[rep]), first)
    ends = np.maximum(np.minimum(first_day(month + 1), gone[rep]), begins)
    days = np.busday_count(begins.astype("datetime64[D]"), ends.astype("datetime64[D]"))
    frame = history.owner_cuts(reps[rep]).assign(month=month, amount=days)
    return frame[frame["amount"] > 0].reset_index(drop=True)


def _response(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """lead_response_hours: from creation to the first outbound activity, by creation.

    A lead without one has its first_response_at. Credited to the lead's current owner. The mean
    and `median` are of answered leads; `within_1h`, `within_24h` (limits included) and `never` are
    shares of all leads created in the period.
    """
    frame = leads(history)
    first = np.full(len(history.fact("leads", "created_at")), np.iinfo(np.int64).max)
    outbound = happened[(happened["direction"] == OUT) & (happened["lead_id"] != NONE)]
    np.minimum.at(first, outbound["lead_id"].to_numpy(), outbound["occurred_at"].to_numpy())
    first = first[frame["lead"]]
    noted = frame["first_response_at"].to_numpy()
    answer = np.where(first == np.iinfo(np.int64).max, noted, first)
    is_answered = answer != NULL
    wait = np.where(is_answered, answer - frame["created_at"], 0)
    answered, hours = frame[is_answered], wait[is_answered]
    name, unit, per = "lead_response_hours", "hours", (HOUR, 1)
    tall.add(name, answered, LEAD_CUTS, unit=unit, numerator=hours, denominator=1, per=per)
    tall.add(
        name, answered, LEAD_CUTS, unit=unit, variant="median", numerator=hours, per=per,
        statistic="median",
    )  # fmt: skip
    for variant, share in (
        ("within_1h", is_answered & (wait <= HOUR)),
        ("within_24h", is_answered & (wait <= DAY)),
        ("never", ~is_answered),
    ):
        tall.add(
            name, frame, LEAD_CUTS, unit="ratio", variant=variant, numerator=share, denominator=1
        )


def _follow_up(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """follow_up_gap_days: between consecutive outbound activities on a deal, by the later one.

    Only those before the deal's (last) close; a time in which it was closed and re-opened is not
    cut out. `share_touched_14d`: as of now only (grain all).
    """
    deals = history.live_deals.set_index("deal")
    outbound = happened[(happened["direction"] == OUT)]
    outbound = outbound[outbound["opportunity_id"].isin(deals.index)]
    of_deal = deals.loc[outbound["opportunity_id"]]
    before_close = ~of_deal["is_closed"].to_numpy()
    before_close |= outbound["occurred_at"].to_numpy() < of_deal["closed_at"].to_numpy()
    outbound = outbound[before_close].sort_values(["opportunity_id", "occurred_at"], kind="stable")
    deal, at = outbound["opportunity_id"].to_numpy(), outbound["occurred_at"].to_numpy()
    follows = deal[1:] == deal[:-1]
    gap, later = np.diff(at)[follows], at[1:][follows]
    members = deals.loc[deal[1:][follows], list(DEAL_CUTS)].reset_index(drop=True)
    members["month"] = history.month(later)
    tall.add(
        "follow_up_gap_days", members, DEAL_CUTS, unit="days", numerator=gap, denominator=1,
        per=(DAY, 1),
    )  # fmt: skip
    still_open = deals[~deals["is_closed"]]
    touched = np.unique(deal[at > history.as_of - TOUCHED_WITHIN])
    tall.add(
        "follow_up_gap_days", still_open.assign(month=0), DEAL_CUTS, unit="ratio", denominator=1,
        variant="share_touched_14d", numerator=still_open.index.isin(touched), grains=("all",),
    )  # fmt: skip


def _touches_per_won_deal(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """touches_per_won_deal: every activity on the deal up to as-of, also one after the win."""
    won = history.deals[history.deals["status"] == "won"]
    on_deals = happened["opportunity_id"].to_numpy()
    count = np.bincount(
        on_deals[on_deals != NONE], minlength=len(history.fact("opportunities", "created_at"))
    )
    tall.add(
        "touches_per_won_deal", won.assign(month=won["closed_month"]), DEAL_CUTS, unit="count",
        numerator=count[won["deal"]], denominator=1,
    )  # fmt: skip
