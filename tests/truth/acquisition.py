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
    selling = pd.concat([ads, costs(history, ("Marketing", "Sales"))], ignore_index=True)
    for variant, cost in (
        ("default", selling), ("ads", ads), ("lagged", _lagged(selling, history.this_month)),
    ):  # fmt: skip
        tall.add_quotient(
            "customer_acquisition_cost", cost, customers.new, SPEND_CUTS, unit="money",
            variant=variant,
        )  # fmt: skip
    _payback(selling, customers.new, recurring, margin, tall)


def _lagged(cost: pd.DataFrame, this_month: int) -> pd.DataFrame:
    """Each cost three months later, as far as those months have begun."""
    later = cost.assign(month=cost["month"] + LAG_MONTHS)
    return later[later["month"] <= this_month]


def _payback(
    cost: pd.DataFrame, new: pd.DataFrame, recurring: Recurring, margin: float | None, tall: Tall
) -> None:
    """cac_payback_months: what a new customer cost against what one earns in a month.

    That is the new mrr of the period per new customer, times the gross margin. Numerator and
    denominator are 0 where there is none, and where no margin is known, which excludes everybody.
    """
    earned = recurring.movements if margin else recurring.movements[:0]
    for grain in GRAINS:
        count, spent, gained = (
            frame[column].groupby(tall.period(frame["month"].to_numpy(), grain)).sum()
            for frame, column in ((new, "amount"), (cost, "amount"), (earned, "new"))
        )
        spent = spent.reindex(count.index, fill_value=0) / count
        gained = gained.reindex(count.index, fill_value=0) / 100 / count * (margin or 0)
        is_known = (gained != 0).to_numpy()
        sums = {
            "n_included": count.to_numpy() * bool(margin),
            "n_excluded": count.to_numpy() * (not margin),
            "numerator": np.where(is_known, spent, 0),
            "denominator": gained.to_numpy(),
        }
        sums["value"] = ratio(sums["numerator"], sums["denominator"])
        period = count.index.to_numpy(np.int64)
        tall.keep(
            "cac_payback_months", "default", "months", grain, "company", period,
            np.zeros(len(count), np.int64), sums,
        )  # fmt: skip
