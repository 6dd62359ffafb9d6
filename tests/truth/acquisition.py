"""Truth of what customers cost to win, and of how long they take to earn it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.truth.customers import Customers
from tests.truth.history import History
from tests.truth.marketing import SPEND_CUTS, ad_spend, costs
from tests.truth.recurring import Recurring
from tests.truth.table import GRAINS, Tall, ratio

LAG_MONTHS = 3


def add_acquisition(
    history: History, customers: Customers, recurring: Recurring, margin: float | None, tall: Tall
) -> None:
    """customer_acquisition_cost, cac_payback_months."""
    ads = ad_spend(history)
    selling = pd.concat([ads, costs(history, "marketing", "sales", "nobody")], ignore_index=True)
    for variant, cost in (
        ("default", selling), ("ads", ads), ("lagged", _lagged(selling, history.this_month)),
    ):  # fmt: skip
        tall.add_quotient(
            "customer_acquisition_cost", cost, _since(cost, customers.new), SPEND_CUTS,
            unit="money", variant=variant,
        )  # fmt: skip
    _payback(selling, customers.new, recurring, margin, tall)


def _lagged(cost: pd.DataFrame, this_month: int) -> pd.DataFrame:
    """Each cost three months later, as far as those months have begun."""
    later = cost.assign(month=cost["month"] + LAG_MONTHS)
    return later[later["month"] <= this_month]


def _since(cost: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """New customers; those before the first month of any cost are excluded: it is not known."""
    return new.assign(is_alive=new["month"] >= cost["month"].min())


def _payback(
    cost: pd.DataFrame, new: pd.DataFrame, recurring: Recurring, margin: float | None, tall: Tall
) -> None:
    """cac_payback_months: what new customers cost against the margin on their new mrr.

    Both since costs are known. Where no margin is, all new customers are excluded and nothing is
    set against anything.
    """
    gained = recurring.movements.query("new != 0")
    gained = gained[gained["month"] >= cost["month"].min()]
    new = _since(cost, new)
    if not margin:
        cost, gained, new = cost[:0], gained[:0], new.assign(is_alive=False)
    for grain in GRAINS:
        counted = {
            name: values.groupby(tall.period(frame["month"].to_numpy(), grain)).sum()
            for name, frame, values in (
                ("numerator", cost, cost["amount"]),
                ("denominator", gained, gained["new"] / 100 * (margin or 0)),
                ("n_included", new, new["is_alive"].astype(int)),
                ("n_excluded", new, (~new["is_alive"]).astype(int)),
            )
        }
        cells = pd.DataFrame(counted).fillna(0).astype({"n_included": int, "n_excluded": int})
        sums = {name: cells[name].to_numpy() for name in cells}
        sums["value"] = ratio(sums["numerator"], sums["denominator"])
        period = cells.index.to_numpy(np.int64)
        tall.keep(
            "cac_payback_months", "default", "months", grain, "company", period,
            np.zeros(len(period), np.int64), sums,
        )  # fmt: skip
