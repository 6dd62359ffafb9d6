"""Truth of the Outcome metrics: won, lost, win rate, deal size, cycle, velocity, quotas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .truth_calendar import first_day, month_of_day
from .truth_history import DEAL_CUTS, OWNER_CUTS, History
from .truth_table import GRAINS, Tall, ratio
from .world_calendar import DAY, Ints
from .world_schema import MEASURES, NONE, NULL


def add_outcome(history: History, tall: Tall) -> None:
    """All Outcome metrics."""
    closed = history.deals[history.deals["is_closed"]].copy()
    closed["month"] = closed["closed_month"]
    _counts(closed, tall)
    _rates(closed, history, tall)
    _sizes(closed, tall)
    _cycles(closed, history, tall)
    _velocity(closed, history, tall)
    _quotas(closed, history, tall)


def _counts(closed: pd.DataFrame, tall: Tall) -> None:
    """deals_won, deals_lost, deals_no_decision: closed deals by the month they closed in.

    In every metric on deals, deleted and merged ones are members that are excluded.
    """
    for status in ("won", "lost", "no_decision"):
        members = closed[closed["status"] == status]
        tall.add(f"deals_{status}", members, DEAL_CUTS, unit="deals", numerator=1)


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
    tall.add("revenue_won", won, DEAL_CUTS, **money, per=(100, 1))
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


def monthly_quotas(history: History, measure: str) -> pd.DataFrame:
    """Quotas of reps spread to months evenly by days: `rep, month, quota`.

    Revenue quotas are converted at the rate of their first day and rounded to the cent before
    they are spread; the shares of months are not rounded. `quota` is in money or deals. A quota is
    known whenever it was set: as-of hides none.
    """
    rows = np.flatnonzero(history.fact("quotas", "measure") == MEASURES.index(measure))
    start = history.fact("quotas", "period_start")[rows].astype(np.int64)
    grain = history.fact("quotas", "period_grain")[rows]
    length = np.array([1, 3, 12])[grain]
    amount = history.fact("quotas", "amount")[rows]
    if measure == "revenue":
        amount = history.convert(amount, history.fact("quotas", "currency")[rows], start)
    each = np.repeat(np.arange(len(rows)), length)
    offset = np.arange(len(each)) - np.repeat(np.cumsum(length) - length, length)
    month = month_of_day(start)[each] + offset
    days = first_day(month + 1) - first_day(month)
    total = first_day(month_of_day(start) + length) - start
    share = amount[each] / 100 * days / total[each]
    owner = history.fact("quotas", "owner_id")[rows][each].astype(np.int64)
    frame = pd.DataFrame({"rep": owner, "month": month, "quota": share})
    return frame.groupby(["rep", "month"], as_index=False).sum()


def attainment(
    closed: pd.DataFrame, history: History, tall: Tall, measure: str, grain: str
) -> pd.DataFrame:
    """Won against quota by rep and period that has begun: `rep, month, won, quota`.

    `won` is in cents or deals, `month` the first one of the period; a rep without a quota has NaN.
    A period's quota is the whole one, also of months still to come; the grain all has the quotas
    of the months that have begun.
    """
    won = closed[(closed["status"] == "won") & closed["is_alive"] & (closed["rep"] != NONE)]
    credit = won["cents"] if measure == "revenue" else pd.Series(1, won.index)
    made = credit.groupby(
        [won["rep"].to_numpy(), tall.period(won["month"].to_numpy(), grain)]
    ).sum()
    quotas = monthly_quotas(history, measure)
    this_month = int(history.month(np.array([history.as_of]))[0])
    current = tall.period(np.array([this_month]), grain)[0]
    if grain == "all":
        quotas = quotas[quotas["month"] <= this_month]
    period = tall.period(quotas["month"].to_numpy(), grain)
    asked = quotas["quota"].groupby([quotas["rep"].to_numpy(), period]).sum()
    both = pd.DataFrame({"won": made, "quota": asked}).rename_axis(["rep", "month"]).reset_index()
    both["won"] = both["won"].fillna(0)
    is_member = both["quota"].notna() | (both["won"] > 0)
    return both[is_member & (both["month"] <= current)]


def _quotas(closed: pd.DataFrame, history: History, tall: Tall) -> None:
    """quota_attainment, reps_at_quota.

    Both sides are the reps': the cuts are the rep's own team, manager, region, segment, not the
    deal's. Members are reps with a quota or with something won in the period; those without a quota
    are excluded with what they won. A deal without owner is no rep's.
    """
    for measure, variant, per in (("revenue", "default", 100), ("deals", "deals", 1)):
        for grain in GRAINS:
            reps = attainment(closed, history, tall, measure, grain)
            members = pd.concat(
                [reps["month"].reset_index(drop=True), history.owner_cuts(reps["rep"])], axis=1
            )
            has_quota = (reps["quota"] > 0).to_numpy()
            shared = {"included": has_quota, "grains": (grain,), "unit": "ratio"}
            quota, won = reps["quota"].fillna(0).to_numpy(), reps["won"].to_numpy() / per
            tall.add(
                "quota_attainment", members, OWNER_CUTS, **shared, variant=variant, numerator=won,
                denominator=quota,
            )  # fmt: skip
            if measure == "revenue":
                tall.add(
                    "reps_at_quota", members, OWNER_CUTS, **shared, denominator=1,
                    numerator=won >= quota,
                )  # fmt: skip
