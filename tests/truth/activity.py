"""Truth of the Activity metrics: activities, lead response, follow-up, touches per win."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints
from ingestion.sandbox.world.schema import DIRECTIONS, NONE, NULL, NULL_DAY, ROLES
from tests.truth.calendar import month_of_day
from tests.truth.history import DEAL_CUTS, OWNER_CUTS, History
from tests.truth.inquiries import add_inquiries
from tests.truth.leads import LEAD_CUTS, leads, standing_deal
from tests.truth.table import GRAINS, WEEK, Tall

OUT = DIRECTIONS.index("out")
TOUCHED_WITHIN = 14 * DAY
NEVER = np.iinfo(np.int64).max


def add_activity(history: History, tall: Tall) -> None:
    """All Activity metrics."""
    happened = activities(history)
    _counts(happened, history, tall)
    _response(happened, history, tall)
    _follow_up(happened, history, tall)
    _touches_per_won_deal(happened, history, tall)
    add_inquiries(happened, history, tall)


def activities(history: History) -> pd.DataFrame:
    """Every activity that happened up to as-of, whenever it was logged.

    `deal` is what the activity's deal has become by merges (-1: it has none).
    """
    names = (
        "type", "direction", "owner_id", "opportunity_id", "lead_id", "contact_id", "account_id",
    )  # fmt: skip
    frame = pd.DataFrame({name: history.fact("activities", name) for name in names})
    frame["occurred_at"] = history.happened_at
    frame["deal"] = standing_deal(history, frame["opportunity_id"].to_numpy())
    return frame[frame["occurred_at"] != NULL].reset_index(drop=True)


def _counts(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """activities: by owner, on whatever record, also one deleted since.

    `per_rep_day`: activities of users whose role is rep, by the working days on which reps were
    active: from the first activity on record, the day of hiring included, the day of leaving not,
    up to the as-of day, for the team and the manager of that day. Periods are those in which a rep
    did something; a type of activity has the days of all. `n_included` counts months (weeks) of
    reps; of one who moves, each team has its own.
    """
    members = history.owner_cuts(happened["owner_id"], happened["occurred_at"].to_numpy())
    members["day"] = history.local_day(happened["occurred_at"])
    members["month"] = history.month(happened["occurred_at"])
    members["activity_type"] = happened["type"].astype(np.int64)
    cuts = (*OWNER_CUTS, "activity_type")
    tall.add("activities", members, cuts, unit="count", numerator=1, day=members["day"])
    is_rep = np.isin(members["rep"], np.flatnonzero(history.users["role"] == ROLES.index("rep")))
    done = members[is_rep].assign(amount=1)
    if not len(done):
        return
    worked = _rep_days(history, int(members["day"].min()))
    types = np.unique(done["activity_type"])
    for grains in (GRAINS, (WEEK,)):
        begins = tall.periods(worked, WEEK) if grains == (WEEK,) else worked["month"].to_numpy()
        own = tall.periods(done, WEEK) if grains == (WEEK,) else done["month"].to_numpy()
        mine = worked.assign(period=begins)[np.isin(begins, own)]
        per_day: dict[str, Any] = {"unit": "count", "variant": "per_rep_day", "grains": grains}
        for cuts in (("rep", "region", "segment"), ("team",), ("manager",)):
            is_whole = "rep" in cuts
            days = mine.groupby(["period", "rep", *({*cuts} - {"rep"})], as_index=False).agg(
                amount=("day", "size"), day=("day", "min"), month=("month", "min")
            )
            tall.add_quotient("activities", done, days, cuts, whole=is_whole, **per_day)
            if is_whole:
                of_types = days.loc[days.index.repeat(len(types))].reset_index(drop=True)
                of_types["activity_type"] = np.tile(types, len(days))
                tall.add_quotient(
                    "activities", done, of_types, ("activity_type",), whole=False, **per_day
                )


def _rep_days(history: History, first: int) -> pd.DataFrame:
    """Each working `day` of each rep, with its month and the rep's cuts of that day."""
    reps = np.flatnonzero(history.users["role"] == ROLES.index("rep"))
    hired = history.users["hired_on"].to_numpy()[reps].astype(np.int64)
    left = history.users["left_on"].to_numpy()[reps].astype(np.int64)
    days = np.arange(first, history.today + 1)
    days = days[history.office.is_open(days)]
    day, nth = np.tile(days, len(reps)), np.repeat(np.arange(len(reps)), len(days))
    is_active = (day >= hired[nth]) & ((left[nth] == NULL_DAY) | (day < left[nth]))
    day, rep = day[is_active], reps[nth[is_active]]
    ends = np.minimum(history.day_start(day + 1) - 1, history.as_of)
    return history.owner_cuts(rep, ends).assign(day=day, month=month_of_day(day))


def _response(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """lead_response_hours: from creation to the first outbound activity, by creation.

    A lead without one has its first_response_at. Credited to the lead's current owner. The mean,
    `median` and `business_hours` are of leads answered after they were created; `within_1h`,
    `within_24h` (limits included) and `never` are shares of all leads created in the period. Where
    either side is a bare day, hours are not known: only `never` has such a lead, answered or not.
    """
    frame = leads(history)
    first = np.full(len(history.fact("leads", "created_at")), NEVER)
    outbound = happened[(happened["direction"] == OUT) & (happened["lead_id"] != NONE)]
    np.minimum.at(first, outbound["lead_id"].to_numpy(), outbound["occurred_at"].to_numpy())
    first = first[frame["lead"]]
    noted = frame["first_response_at"].to_numpy()
    answer = np.where(first == NEVER, noted, first)
    is_answered = answer != NULL
    created = frame["created_at"].to_numpy()
    answer = np.where(is_answered, answer, created)
    wait = answer - created
    is_timed = ~(history.is_day(created) | history.is_day(answer))
    worked = history.office.worked(history.clock(created), history.clock(answer))
    name, of_answered = "lead_response_hours", frame[is_answered]
    for variant, hours, statistic in (
        ("default", wait, "ratio"), ("median", wait, "median"), ("business_hours", worked, "ratio"),
    ):  # fmt: skip
        tall.add(
            name, of_answered, LEAD_CUTS, unit="hours", variant=variant, per=(HOUR, 1),
            numerator=hours[is_answered], denominator=1, statistic=statistic,
            included=(is_timed & (wait >= 0))[is_answered], day=of_answered["day"],
        )  # fmt: skip
    for variant, share, included in (
        ("within_1h", is_answered & (wait <= HOUR), is_timed),
        ("within_24h", is_answered & (wait <= DAY), is_timed),
        ("never", ~is_answered, True),
    ):
        tall.add(
            name, frame, LEAD_CUTS, unit="ratio", variant=variant, numerator=share, denominator=1,
            included=included, day=frame["day"],
        )  # fmt: skip


def _follow_up(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """follow_up_gap_days: between consecutive outbound activities on a deal, by the later one.

    Only those before the deal's (last) close; a time in which it was closed and re-opened is not
    cut out. Activities on a merged deal are its survivor's. `share_touched_14d`: as of now only
    (grain all).
    """
    deals = history.deals.set_index("deal")
    outbound = happened[(happened["direction"] == OUT) & happened["deal"].isin(deals.index)]
    of_deal = deals.loc[outbound["deal"]]
    before_close = ~of_deal["is_closed"].to_numpy()
    before_close |= outbound["occurred_at"].to_numpy() < of_deal["closed_at"].to_numpy()
    outbound = outbound[before_close].sort_values(["deal", "occurred_at"], kind="stable")
    deal, at = outbound["deal"].to_numpy(), outbound["occurred_at"].to_numpy()
    follows = deal[1:] == deal[:-1]
    earlier, later = at[:-1][follows], at[1:][follows]
    gap = history.span(earlier, later, np.zeros(len(later), bool))
    members = deals.loc[deal[1:][follows], [*DEAL_CUTS, "is_alive"]].reset_index(drop=True)
    members["month"] = history.month(later)
    tall.add(
        "follow_up_gap_days", members, DEAL_CUTS, unit="days", numerator=gap, denominator=1,
        per=(DAY, 1), day=history.local_day(later),
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
    on_deals = happened["deal"].to_numpy()
    count: Ints = np.bincount(
        on_deals[on_deals != NONE], minlength=len(history.fact("opportunities", "created_at"))
    )
    tall.add(
        "touches_per_won_deal", won.assign(month=won["closed_month"]), DEAL_CUTS, unit="count",
        numerator=count[won["deal"]], denominator=1, day=won["closed_day"],
    )  # fmt: skip
