"""What touches of a won deal are credited with, by model, to the cent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import Ints
from tests.truth.history import History
from tests.truth.leads import touches

MODELS = {"default": "first", "last": "last", "linear": "linear", "position": "position"}
"""Attribution model by variant."""
WHOLE = 10**12
"""Weights have twelve decimals."""


def attributed(history: History, model: str) -> pd.DataFrame:
    """Won amounts on touches, dated by closing: `month, deal, channel, campaign, cents, weight`.

    A deal's touches are those up to its closing, of the deal itself, of deals merged into it, and
    of the leads that became one of them. A deal without touches attributes nothing.
    """
    won = history.live_deals.set_index("deal")
    won = won[(won["status"] == "won") & won["has_amount"]]
    frame = touches(history)
    frame = frame[frame["deal"].isin(won.index)]
    frame = frame[frame["occurred_at"] <= won.loc[frame["deal"], "closed_at"].to_numpy()]
    frame = frame.sort_values(["deal", "occurred_at"], kind="stable", ignore_index=True)
    by_deal = frame.groupby("deal")["deal"]
    nth, count = by_deal.cumcount().to_numpy(), by_deal.transform("size").to_numpy()
    before, upto = cumulated(model, nth, count), cumulated(model, nth + 1, count)
    cents = won.loc[frame["deal"], "cents"].to_numpy()
    return frame.assign(
        month=won.loc[frame["deal"], "closed_month"].to_numpy(),
        cents=shares(cents, upto) - shares(cents, before),
        weight=upto - before,
    )


def cumulated(model: str, nth: Ints, count: Ints) -> Ints:
    """What the first `nth` of a deal's `count` touches weigh together, in parts of `WHOLE`.

    Position gives the first and the last 40% each and the others 20% together; two touches half
    each. Rounded half up; all of them weigh `WHOLE`.
    """
    none, every = nth == 0, nth == count
    if model in ("first", "last"):
        weighed = np.where(none if model == "first" else ~every, 0, WHOLE)
        return weighed.astype(np.int64)
    equal = _round(nth * WHOLE, count)
    if model == "linear":
        return equal
    middle = 2 * (nth - 1) + 4 * (count - 2)
    many = _round(middle * (WHOLE // 10), np.maximum(count - 2, 1))
    return np.where(none, 0, np.where(every, WHOLE, np.where(count > 2, many, equal)))


def shares(cents: Ints, weight: Ints) -> Ints:
    """The share of each amount, in cents, half up."""
    exact = cents.astype(object) * weight.astype(object)
    return ((2 * exact + WHOLE) // (2 * WHOLE)).astype(np.int64)


def _round(above: Ints, below: Ints) -> Ints:
    return (2 * above + below) // (2 * below)
