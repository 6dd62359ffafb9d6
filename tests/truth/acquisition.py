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
            "customer_acquisition_cost", cost, _since_told(customers.new, cost), SPEND_CUTS,
            unit="money", variant=variant,
        )  # fmt: skip
    _payback(selling, _since_told(customers.new, selling), recurring, margin, tall)


def _since_told(new: pd.DataFrame, cost: pd.DataFrame) -> pd.DataFrame:
    """New customers; those before the first month of any cost are excluded: it was not 0."""
    return new.assign(is_alive=new["month"] >= (cost["month"].min() if len(cost) else np.inf))


def _lagged(cost: pd.DataFrame, this_month: int) -> pd.DataFrame:
    """Each cost three months later, as far as those months have begun."""
    later = cost.assign(month=cost["month"] + LAG_MONTHS)
    return later[later["month"] <= this_month]


def _payback(
    cost: pd.DataFrame, new: pd.DataFrame, recurring: Recurring, margin: float | None, tall: Tall
) -> None:
    """cac_payback_months: what new customers cost against what they earn in a month.

    That is the new mrr of the period, times the gross margin, since costs are told; as it is per
    customer. Where no margin is known everybody is excluded.
    """
    earned = recurring.movements
    earned = earned[(earned["new"] != 0) & (earned["month"] >= cost["month"].min())]
    if not margin:
        cost, earned, new = cost[:0], earned[:0], new.assign(is_alive=False)
    is_known = new["is_alive"].to_numpy(bool)
    for grain in GRAINS:
        sums = {
            name: amount.groupby(tall.period(month.to_numpy(), grain)).sum()
            for name, month, amount in (
                ("n_included", new["month"], pd.Series(is_known, new.index)),
                ("n_excluded", new["month"], pd.Series(~is_known, new.index)),
                ("numerator", cost["month"], cost["amount"]),
                ("denominator", earned["month"], earned["new"] / 100 * (margin or 0)),
            )
        }
        table = pd.DataFrame(sums).fillna(0).astype(np.float64)
        columns = {name: column.to_numpy() for name, column in table.items()}
        columns["value"] = ratio(columns["numerator"], columns["denominator"])
        period = table.index.to_numpy(np.int64)
        tall.keep(
            "cac_payback_months", "default", "months", grain, "company", period,
            np.zeros(len(table), np.int64), columns,
        )  # fmt: skip
