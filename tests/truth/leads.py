"""Leads and touches as of now, and the deals that they led to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import NONE
from tests.truth.history import OWNER_CUTS, History

LEAD_CUTS = (*OWNER_CUTS, "channel", "campaign")


def leads(history: History) -> pd.DataFrame:
    """Leads as of now, dated by creation, with their current owner in the team of then.

    `is_alive`: not deleted; `deal`: the one that the lead's has become by merges.
    """
    created = history.fact("leads", "created_at")
    lead = np.flatnonzero(created <= history.as_of)
    frame = history.owner_cuts(history.value_at("leads", "owner_id")[lead], created[lead])
    frame["lead"] = lead
    frame["is_alive"] = history.value_at("leads", "is_deleted")[lead] == 0
    frame["created_at"] = created[lead]
    frame["month"] = history.month(created[lead])
    frame["day"] = history.local_day(created[lead])
    frame["channel"] = history.fact("leads", "channel")[lead].astype(np.int64)
    frame["campaign"] = history.fact("leads", "campaign_id")[lead].astype(np.int64)
    for column in ("qualified_at", "first_response_at", "converted_at", "opportunity_id"):
        frame[column] = history.value_at("leads", column)[lead]
    frame["account"] = history.value_at("leads", "account_id")[lead].astype(np.int64)
    frame["deal"] = standing_deal(history, frame["opportunity_id"].to_numpy())
    return frame


def touches(history: History) -> pd.DataFrame:
    """Touches in order: `occurred_at, channel, campaign, lead, deal` (-1: none).

    A touch's deal is its own, else that of its lead, and what that one has become by merges. Of
    touches at the same moment the one with the lower id is the earlier.
    """
    frame = pd.DataFrame(
        {
            "occurred_at": history.fact("touches", "occurred_at"),
            "channel": history.fact("touches", "channel").astype(np.int64),
            "campaign": history.fact("touches", "campaign_id").astype(np.int64),
            "lead": history.fact("touches", "lead_id").astype(np.int64),
        }
    )
    own = history.fact("touches", "opportunity_id")
    of_lead = history.value_at("leads", "opportunity_id").copy()
    of_lead[history.value_at("leads", "is_deleted") == 1] = NONE
    named = np.where(own != NONE, own, looked_up(of_lead, frame["lead"].to_numpy()))
    frame["deal"] = standing_deal(history, named)
    frame = frame[frame["occurred_at"] <= history.as_of]
    return frame.sort_values("occurred_at", kind="stable", ignore_index=True)


def standing_deal(history: History, deal: Ints) -> Ints:
    """What each deal (-1: none) has become: itself, or the deal that its merges end in."""
    into = history.value_at("opportunities", "merged_into_id")
    standing = deal.astype(np.int64)
    while True:
        target = looked_up(into, standing)
        if (target == NONE).all():
            return standing
        standing = np.where(target == NONE, standing, target)


def looked_up(records: Ints, row: Ints) -> Ints:
    """What each row (-1: none) names."""
    named = np.full(len(row), NONE, np.int64)
    named[row != NONE] = records[row[row != NONE]]
    return named
