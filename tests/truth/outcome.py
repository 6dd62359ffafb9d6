"""Truth of the Outcome metrics: won, lost, win rate, deal size, cycle, velocity, quotas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.schema import NULL
from tests.truth.history import DEAL_CUTS, History
from tests.truth.table import GRAINS, Tall, ratio


def add_outcome(history: History, tall: Tall) -> None:
    """All Outcome metrics."""
    closed = history.deals[history.deals["is_closed"]].copy()
    closed["month"] = closed["closed_month"]
    _counts(closed, tall)
    _rates(closed, history, tall)
    _sizes(closed, tall)
    _cycles(closed, history, tall)
    _velocity(closed, history, tall)


def _counts(closed: pd.DataFrame, tall: Tall) -> None:
    """deals_won, deals_lost, deals_no_decision: closed deals by the month they closed in.

    In every metric on deals, deleted and merged ones are members that are excluded.
    """
    for status in ("won", "lost", "no_decision"):
        members = closed[closed["status"] == status]
        tall.add(
            f"deals_{status}", members, DEAL_CUTS, unit="deals", numerator=1,
            day=members["closed_day"],
        )  # fmt: skip


def _rates(closed: pd.DataFrame, history: History, tall: Tall) -> None:
    """win_rate, no_decision_rate.

    `by_value` excludes deals without amount. `cohort` has every deal created in the period, open
    ones credited to their current owner.
    """
    won, none = closed["status"] == "won", closed["status"] == "no_decision"
    rate: dict[str, Any] = {"unit": "ratio"}
    tall.add("win_rate", closed, DEAL_CUTS, **rate, numerator=won, denominator=1)
    tall.add("no_decision_rate", closed, DEAL_CUTS, **rate, numerator=none, denominator=1)
    decided = closed[~none]
    tall.add(
        "win_rate", decided, DEAL_CUTS, **rate, variant="decided", denominator=1,
        numerator=decided["status"] == "won",
    )  # fmt: skip
    tall.add(
        "win_rate", closed, DEAL_CUTS, **rate, variant="by_value", included=closed["has_amount"],
        numerator=closed["cents"] * won, denominator=closed["cents"], per=(100, 100),
    )  # fmt: skip
    created = history.deals.assign(month=history.deals["created_month"])
    tall.add(
        "win_rate", created, DEAL_CUTS, **rate, variant="cohort", denominator=1,
        numerator=created["status"] == "won",
    )  # fmt: skip


def _sizes(closed: pd.DataFrame, tall: Tall) -> None:
    """revenue_won, average_deal_size: won deals; those without amount are excluded."""
    won = closed[closed["status"] == "won"]
    money = {"unit": "money", "numerator": won["cents"], "included": won["has_amount"]}
    tall.add("revenue_won", won, DEAL_CUTS, **money, per=(100, 1), day=won["closed_day"])
    tall.add("average_deal_size", won, DEAL_CUTS, **money, per=(100, 1), denominator=1)
    tall.add(
        "average_deal_size", won, DEAL_CUTS, **money, per=(100, 1), variant="median",
        statistic="median",
    )  # fmt: skip


def _cycle(deals: pd.DataFrame, history: History, from_first_contact: bool) -> Ints:
    """Microseconds from first contact (else creation) to close, whole days if either is a day."""
    begun = deals["created_at"].to_numpy()
    if from_first_contact:
        contact = deals["first_contact_at"].to_numpy()
        begun = np.where(contact == NULL, begun, contact)
    return history.span(begun, deals["closed_at"].to_numpy(), deals["is_bare"].to_numpy())


def _cycles(closed: pd.DataFrame, history: History, tall: Tall) -> None:
    """sales_cycle_days: fractional days; a negative cycle is excluded, a zero one is not."""
    won = closed[closed["status"] == "won"]
    for variant, deals, contact in (
        ("default", won, True), ("median", won, True), ("created", won, False),
        ("closed", closed, False),
    ):  # fmt: skip
        span = _cycle(deals, history, contact)
        is_median = variant == "median"
        tall.add(
            "sales_cycle_days", deals, DEAL_CUTS, unit="days", variant=variant, numerator=span,
            included=span >= 0, per=(DAY, 1), denominator=None if is_median else 1,
            statistic="median" if is_median else "ratio",
        )  # fmt: skip


def _velocity(closed: pd.DataFrame, history: History, tall: Tall) -> None:
    """sales_velocity: the product of the other metrics' values in the same cell.

    Numerator is deals closed x win_rate x average_deal_size, denominator sales_cycle_days; both
    are 0 where any of them is null. Included and excluded are those of win_rate.
    """
    alive = closed["is_alive"].to_numpy()
    won = (closed["status"] == "won").to_numpy() & alive
    span = _cycle(closed, history, from_first_contact=True)
    parts = pd.DataFrame(
        {
            "closed": alive,
            "removed": ~alive, "won": won, "cents": closed["cents"] * won,
            "sized": won & closed["has_amount"], "span": np.where(won & (span >= 0), span, 0),
            "timed": won & (span >= 0),
        }
    ).astype(np.int64)  # fmt: skip
    for grain in GRAINS:
        period = tall.period(closed["month"].to_numpy(), grain)
        for cut in ("company", *DEAL_CUTS):
            code = np.zeros(len(closed), np.int64) if cut == "company" else closed[cut].to_numpy()
            grouped = parts.groupby([period, code]).sum()
            total = {name: grouped[name].to_numpy() for name in parts}
            size = ratio(total["cents"] / 100, total["sized"])
            days = ratio(total["span"] / DAY, total["timed"])
            pace = total["closed"] * ratio(total["won"], total["closed"]) * size
            sums = {
                "n_included": total["closed"],
                "n_excluded": total["removed"],
                "value": ratio(pace, days),
                "numerator": np.where(np.isnan(pace) | np.isnan(days), 0, pace),
                "denominator": np.where(np.isnan(pace) | np.isnan(days), 0, days),
            }
            where = [grouped.index.get_level_values(level).to_numpy(np.int64) for level in (0, 1)]
            tall.keep(
                "sales_velocity",
                "default",
                "money per day of cycle",
                grain,
                cut,
                where[0],
                where[1],
                sums,
            )
