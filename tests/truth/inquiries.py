"""Truth of how soon people answer those who write, call or ask for a meeting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints
from ingestion.sandbox.world.schema import ACTIVITY_TYPES, DIRECTIONS, NONE
from tests.truth.history import OWNER_CUTS, History
from tests.truth.leads import looked_up
from tests.truth.table import Tall

IN, OUT = DIRECTIONS.index("in"), DIRECTIONS.index("out")
OWN_WORK = tuple(ACTIVITY_TYPES.index(kind) for kind in ("task", "note"))
LINKS = ("contact_id", "deal", "account_id", "lead_id")
NEVER = np.iinfo(np.int64).max


def add_inquiries(happened: pd.DataFrame, history: History, tall: Tall) -> None:
    """inquiry_response_hours: from an inbound activity to the next outbound one, by the inbound.

    The answer is a later one to the same contact, deal (what it has become by merges), account (its
    own, else that of its deal, contact or lead) or lead. Without an owner of its own an inquiry is
    its deal's, else its lead's. `within_24h` (limit included) leaves out what is unanswered and
    younger than a day, and so does `never`. Where either side is a bare day, hours are not known:
    only `never` has it, answered or not.
    """
    happened = happened.assign(account_id=_accounts(happened, history))
    is_inquiry = (happened["direction"] == IN) & ~happened["type"].isin(OWN_WORK)
    is_linked = (happened[list(LINKS)] != NONE).any(axis=1)
    asked = happened[is_inquiry & is_linked].reset_index(drop=True)
    at = asked["occurred_at"].to_numpy()
    answer = _first_answers(asked, happened[happened["direction"] == OUT])
    is_answered = answer != NEVER
    answer = np.where(is_answered, answer, at)
    wait = answer - at
    members = history.owner_cuts(_owners(asked, history), at)
    members["activity_type"] = asked["type"].astype(np.int64)
    members["month"], day = history.month(at), history.local_day(at)
    is_timed = ~(history.is_day(at) | history.is_day(answer))
    is_due = is_answered | (at + DAY <= history.as_of)
    name, cuts = "inquiry_response_hours", (*OWNER_CUTS, "activity_type")
    for variant in ("default", "median"):
        tall.add(
            name, members[is_answered], cuts, unit="hours", variant=variant, per=(HOUR, 1),
            numerator=wait[is_answered], denominator=1, included=is_timed[is_answered],
            statistic="median" if variant == "median" else "ratio", day=day[is_answered],
        )  # fmt: skip
    shares: tuple[tuple[str, Any, Any], ...] = (
        ("within_24h", is_answered & (wait <= DAY), is_timed & is_due),
        ("never", ~is_answered, is_due),
    )
    for variant, share, included in shares:
        tall.add(
            name, members, cuts, unit="ratio", variant=variant, numerator=share, denominator=1,
            included=included, day=day,
        )  # fmt: skip


def _first_answers(asked: pd.DataFrame, outbound: pd.DataFrame) -> Ints:
    """The moment of the first later outbound activity that shares a link with each inquiry."""
    first = np.full(len(asked), NEVER)
    for link in LINKS:
        mine = asked[asked[link] != NONE].sort_values("occurred_at", kind="stable")
        told = outbound[outbound[link] != NONE].sort_values("occurred_at", kind="stable")
        found = pd.merge_asof(
            mine[["occurred_at", link]].astype(np.int64).rename_axis("nth").reset_index(),
            told[["occurred_at", link]].astype(np.int64).assign(answer=told["occurred_at"]),
            on="occurred_at", by=link, direction="forward", allow_exact_matches=False,
        )  # fmt: skip
        known = found[found["answer"].notna()]
        np.minimum.at(first, known["nth"].to_numpy(), known["answer"].to_numpy(np.int64))
    return first


def _accounts(happened: pd.DataFrame, history: History) -> Ints:
    """The account of each activity: its own, else its deal's, its contact's, its lead's."""
    account = happened["account_id"].to_numpy(np.int64)
    for link, accounts in (
        ("deal", history.fact("opportunities", "account_id")),
        ("contact_id", history.fact("contacts", "account_id")),
        ("lead_id", history.value_at("leads", "account_id")),
    ):
        of_link = looked_up(accounts, happened[link].to_numpy(np.int64))
        account = np.where(account != NONE, account, of_link)
    return account


def _owners(asked: pd.DataFrame, history: History) -> Ints:
    """Whose each inquiry is: its own owner's, else its deal's, else its lead's current one's."""
    deals = history.deals.set_index("deal")["owner"]
    of_deal = deals.reindex(asked["deal"], fill_value=NONE).to_numpy(np.int64)
    lead = asked["lead_id"].to_numpy(np.int64)
    of_lead = looked_up(history.value_at("leads", "owner_id"), lead)
    own = asked["owner_id"].to_numpy(np.int64)
    return np.where(own != NONE, own, np.where(of_deal != NONE, of_deal, of_lead))
