"""Truth of the Marketing and finance metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .truth_history import OWNER_CUTS, STATUS, History
from .truth_table import Tall
from .world_schema import NONE, NULL

LEAD_CUTS = (*OWNER_CUTS, "channel", "campaign")


def add_marketing(history: History, tall: Tall) -> None:
    """All Marketing and finance metrics."""
    _lead_conversion(history, tall)


def leads(history: History) -> pd.DataFrame:
    """Leads as of now that are not deleted, credited to their current owner; dated by creation."""
    created = history.fact("leads", "created_at")
    alive = history.value_at("leads", "is_deleted") == 0
    lead = np.flatnonzero(alive & (created <= history.as_of))
    frame = history.owner_cuts(history.value_at("leads", "owner_id")[lead])
    frame["lead"] = lead
    frame["created_at"] = created[lead]
    frame["month"] = history.month(created[lead])
    frame["channel"] = history.fact("leads", "channel")[lead].astype(np.int64)
    frame["campaign"] = history.fact("leads", "campaign_id")[lead].astype(np.int64)
    for column in ("qualified_at", "first_response_at", "opportunity_id"):
        frame[column] = history.value_at("leads", column)[lead]
    return frame


def _lead_conversion(history: History, tall: Tall) -> None:
    """lead_conversion_rate: leads created in the period whose own deal is won as of now.

    The deal must be neither deleted nor merged; a deal it was merged into does not count.
    `qualified`: leads that became marketing qualified; `to_opportunity`: leads with a deal,
    whatever became of it. The denominator is all leads created in the period in each.
    """
    frame = leads(history)
    deal_stage = history.value_at("opportunities", "stage")
    alive = np.zeros(len(deal_stage), bool)
    alive[history.deals["deal"]] = True
    deal = frame["opportunity_id"].to_numpy()
    won = (deal != NONE) & alive[deal] & (STATUS[deal_stage[deal]] == "won")
    for variant, reached in (
        ("default", won), ("qualified", frame["qualified_at"] != NULL),
        ("to_opportunity", deal != NONE),
    ):  # fmt: skip
        tall.add(
            "lead_conversion_rate", frame, LEAD_CUTS, unit="ratio", variant=variant,
            numerator=reached, denominator=1,
        )  # fmt: skip
