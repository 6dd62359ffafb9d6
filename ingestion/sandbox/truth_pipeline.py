"""Truth of the Pipeline metrics: value, creation, stages, coverage, slippage, adherence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .truth_history import (
    DEAL_CUTS,
    PROBABILITY_PERCENT,
    History,
    first_day,
)
from .truth_table import GRAINS, Tall
from .world_schema import NULL, PIPELINES, STAGES

STAGE_CUTS = (*DEAL_CUTS, "stage")
LENGTH = {"month": 1, "quarter": 3, "year": 12}
PIPELINE = np.array([stage.pipeline for stage in STAGES])
OPEN_STAGES = np.array(
    [sum(s.pipeline == p and s.status == "open" for s in STAGES) for p in range(len(PIPELINES))]
)


def add_pipeline(history: History, tall: Tall) -> None:
    """All Pipeline metrics."""
    _value(history, tall)
    _created(history, tall)


def open_at(history: History, moment: int, rate_day: int) -> pd.DataFrame:
    """Deals open at a moment, with the owner, stage and amount they then had.

    A deal deleted or merged later is there until then. `cents` is at the rate of `rate_day`.
    """
    frame = history.deals_at(moment)
    frame = frame[frame["is_alive"] & (frame["status"] == "open")]
    frame = frame.rename_axis("deal").reset_index()
    frame["has_amount"] = frame["amount"] != NULL
    cents = history.convert(frame["amount"], frame["currency"], rate_day)
    frame["cents"] = np.where(frame["has_amount"], cents, 0)
    frame["stage"] = frame["stage"].astype(np.int64)
    return pd.concat([frame, history.deal_cuts(frame["deal"], frame["owner_id"])], axis=1)


def _period_ends(
    history: History, tall: Tall, grain: str, first: int
) -> list[tuple[int, int, int]]:
    """Per period from month `first` to now: its first month, its last moment, its last day."""
    if grain == "all":
        return [(0, history.as_of, history.today)]
    months = np.unique(tall.period(history.begun_months(first), grain))
    ends = [history.month_start(int(month) + LENGTH[grain]) - 1 for month in months]
    days = first_day(months + LENGTH[grain]) - 1
    return [
        (int(month), min(end, history.as_of), min(int(day), history.today))
        for month, end, day in zip(months, ends, days, strict=True)
    ]


def _value(history: History, tall: Tall) -> None:
    """pipeline_value: open deals at the end of the period, as they then were.

    Credited to the owner of that moment, converted at the period's last day (the as-of day in the
    current one). Deals without amount are excluded. The company has every period from the first
    deal on; another cut a period in which it has an open deal. `weighted` is not rounded per deal.
    """
    created = history.fact("opportunities", "created_at")
    if not (created <= history.as_of).any():
        return
    first = int(history.month(np.array([created.min()]))[0])
    states: dict[int, pd.DataFrame] = {}
    for grain in GRAINS:
        members = []
        for month, moment, day in _period_ends(history, tall, grain, first):
            if moment not in states:
                states[moment] = open_at(history, moment, day)
            members.append(states[moment].assign(month=month))
        frame = pd.concat(members, ignore_index=True)
        shared = {"unit": "money", "included": frame["has_amount"], "grains": (grain,)}
        weighted = frame["cents"] * PROBABILITY_PERCENT[frame["stage"]]
        for variant, numerator, per in (
            ("default", frame["cents"], 100), ("weighted", weighted, 10_000),
        ):  # fmt: skip
            tall.add(
                "pipeline_value", frame, STAGE_CUTS, **shared, variant=variant,
                numerator=numerator, per=(per, 1),
            )  # fmt: skip


def _created(history: History, tall: Tall) -> None:
    """pipeline_created: today's amount of the deals created in the period.

    Converted and credited as in every metric: closed deals at close, open ones as of now. Deals
    without amount are excluded from the amount, not from `count`.
    """
    deals = history.deals.assign(month=history.deals["created_month"])
    tall.add(
        "pipeline_created", deals, DEAL_CUTS, unit="money", numerator=deals["cents"],
        included=deals["has_amount"], per=(100, 1),
    )  # fmt: skip
    tall.add("pipeline_created", deals, DEAL_CUTS, unit="deals", variant="count", numerator=1)
