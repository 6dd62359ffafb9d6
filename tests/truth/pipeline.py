"""Truth of the Pipeline metrics on deals: value, creation, coverage, slippage, pushes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.schema import NULL, NULL_DAY
from tests.truth.calendar import first_day, month_of_day
from tests.truth.history import DEAL_CUTS, LENGTH, PROBABILITY_PERCENT, History
from tests.truth.quotas import CUTS, Quotas
from tests.truth.stages import STAGE_CUTS
from tests.truth.table import GRAINS, Tall, ratio


def add_pipeline(history: History, quotas: Quotas, tall: Tall) -> None:
    """All Pipeline metrics on deals; none before the first deal."""
    if history.deals.empty:
        return
    _value(history, tall)
    _created(history, tall)
    _coverage(history, quotas, tall)
    _slippage(history, tall)
    _pushes(history, tall)


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
    return pd.concat([frame, history.deal_cuts(frame["deal"], frame["owner_id"], moment)], axis=1)


def _value(history: History, tall: Tall) -> None:
    """pipeline_value: open deals at the end of the period, as they then were.

    Credited to the owner of that moment, converted at the period's last day (the as-of day in the
    current one). Deals without amount are excluded. The company has every period from the first
    deal on; another cut a period in which it has an open deal. `weighted` is not rounded per deal.
    """
    first = int(history.deals["created_month"].min())
    states: dict[int, pd.DataFrame] = {}
    for grain in GRAINS:
        members = []
        ends = history.period_ends(tall, grain, first)
        for month, moment, day in ends:
            if moment not in states:
                states[moment] = open_at(history, moment, day)
            members.append(states[moment].assign(month=month))
        frame = pd.concat(members, ignore_index=True)
        shared: dict[str, Any] = {
            "unit": "money",
            "included": frame["has_amount"],
            "grains": (grain,),
            "always": [month for month, _, _ in ends],
        }
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
    without amount are excluded from the amount, not from `count`. `as_created` has the amount at
    creation, at the rate of that day and to the credit of the owner of then, also of deals deleted
    or merged since.
    """
    deals = history.deals.assign(month=history.deals["created_month"])
    day = history.local_day(deals["created_at"])
    tall.add(
        "pipeline_created", deals, DEAL_CUTS, unit="money", numerator=deals["cents"],
        included=deals["has_amount"], per=(100, 1), day=day,
    )  # fmt: skip
    tall.add(
        "pipeline_created", deals, DEAL_CUTS, unit="deals", variant="count", numerator=1, day=day
    )
    born = _at_creation(history)
    tall.add(
        "pipeline_created", born, DEAL_CUTS, unit="money", variant="as_created",
        numerator=born["cents"], included=born["has_amount"], per=(100, 1), day=day,
    )  # fmt: skip


def _at_creation(history: History) -> pd.DataFrame:
    """Every deal with the amount that it was created with: cuts of then, month, `cents`."""
    created = history.fact("opportunities", "created_at")
    deals = history.deals
    amount, currency, owner = (
        history.value_at("opportunities", name, created)[deals["deal"]]
        for name in ("amount", "currency", "owner_id")
    )
    cuts = history.deal_cuts(deals["deal"].to_numpy(), owner, deals["created_at"].to_numpy())
    cents = history.convert(amount, currency, history.local_day(deals["created_at"]))
    has_amount = amount != NULL
    return cuts.assign(
        month=deals["created_month"].to_numpy(),
        has_amount=has_amount,
        cents=np.where(has_amount, cents, 0),
    )


def _coverage(history: History, quotas: Quotas, tall: Tall) -> None:
    """pipeline_coverage: open deals due in a period against quota; grains month, quarter, year.

    Quotas and what was won against them are those of quota_attainment; deals count whether or not
    their owners have quotas, in the region and segment of the owner. The default and `total` have
    the periods from the current one on that have a quota or an open deal due, overdue ones not
    counted; where the quota is reached the value is null (denominator 0). `at_start` takes the
    deals open when each period that has begun did, with the close date, owner and amount they then
    had, at the rate of its first day; included are the deals with an amount.
    """
    now = open_at(history, history.as_of, history.today)
    now = now[now["close_date"] >= history.today]
    open_now = _by_owner(history, now, history.as_of)
    open_now["month"] = month_of_day(now["close_date"].to_numpy())
    first = int(history.deals["created_month"].min())
    for grain, length in LENGTH.items():
        starts = np.unique(tall.period(history.begun_months(first), grain))
        due = pd.concat(
            [_due_at_start(history, int(month), length) for month in starts], ignore_index=True
        )
        coming = open_now.assign(month=tall.period(open_now["month"], grain))
        for cut in CUTS:
            asked = quotas.reps(cut, grain)
            asked = asked[asked["is_included"]].groupby(["period", "code"])[["quota", "won"]].sum()
            month = asked.index.get_level_values("period")
            rest = asked[month >= starts[-1]]
            whole = rest.assign(won=0.0)
            begun = asked[month <= starts[-1]].assign(won=0.0)
            for variant, deals, target in (
                ("default", coming, rest), ("total", coming, whole), ("at_start", due, begun),
            ):  # fmt: skip
                _cover(tall, grain, variant, cut, deals, target)


def _due_at_start(history: History, month: int, length: int) -> pd.DataFrame:
    """Deals open and due in a period when it began, as they then were."""
    moment, day = history.month_start(month) - 1, int(first_day(month))
    state = open_at(history, moment, day)
    ends = first_day(month + length)
    state = state[(state["close_date"] >= day) & (state["close_date"] < ends)]
    return _by_owner(history, state, moment).assign(month=month)


def _by_owner(history: History, deals: pd.DataFrame, moment: int) -> pd.DataFrame:
    """The amounts of deals with the cuts of their owners at a moment."""
    frame = history.owner_cuts(deals["owner_id"], moment)
    return frame.assign(cents=deals["cents"].to_numpy(), has_amount=deals["has_amount"].to_numpy())


def _cover(
    tall: Tall, grain: str, variant: str, cut: str, due: pd.DataFrame, target: pd.DataFrame
) -> None:
    """Cells of deals that are due against a target, `quota` less `won`, by month and code."""
    code = np.zeros(len(due), np.int64) if cut == "company" else due[cut].to_numpy()
    counted = pd.DataFrame(
        {
            "numerator": due["cents"] / 100,
            "n_included": due["has_amount"].astype(np.int64),
            "n_excluded": (~due["has_amount"]).astype(np.int64),
        }
    )
    cells = counted.groupby([due["month"].to_numpy(), code]).sum()
    cells = cells.rename_axis(["period", "code"]).join(target, how="outer").fillna(0)
    sums = {name: cells[name].to_numpy() for name in counted}
    sums["denominator"] = np.maximum(cells["quota"] - cells["won"], 0).to_numpy()
    sums["value"] = ratio(sums["numerator"], sums["denominator"])
    for count in ("n_included", "n_excluded"):
        sums[count] = sums[count].astype(np.int64)
    where = [cells.index.get_level_values(level).to_numpy(np.int64) for level in (0, 1)]
    tall.keep("pipeline_coverage", variant, "ratio", grain, cut, where[0], where[1], sums)


def _slippage(history: History, tall: Tall) -> None:
    """slippage_rate: deals open and due in a period that has ended when it began.

    Grains month, quarter, year. A deal slipped when it was open when the period ended. It was
    `pushed` when a change made after the period began, while the deal was open, moved its close
    date to behind the period's end. Credited as every deal; one deleted or merged since is
    excluded.
    """
    changes = _moved_while_open(history)
    now = history.deals.set_index("deal")
    first = int(history.deals["created_month"].min())
    for grain, length in LENGTH.items():
        due = [
            _due(history, changes, now, month, length)
            for month in np.unique(tall.period(history.begun_months(first), grain)).tolist()
            if history.month_start(month + length) <= history.as_of
        ]
        if not due:
            continue
        frame = pd.concat(due, ignore_index=True)
        for variant, slipped in (("default", frame["stays_open"]), ("pushed", frame["is_pushed"])):
            tall.add(
                "slippage_rate", frame, DEAL_CUTS, unit="ratio", variant=variant,
                numerator=slipped, denominator=1, grains=(grain,),
            )  # fmt: skip


def _due(
    history: History, changes: pd.DataFrame, now: pd.DataFrame, month: int, length: int
) -> pd.DataFrame:
    """Deals due in a period when it began, with what became of them in it."""
    moment, end = history.month_start(month), history.month_start(month + length)
    begins, ends = int(first_day(month)), int(first_day(month + length))
    state = history.deals_at(moment - 1)
    expected = state["close_date"]
    is_due = state["is_alive"] & (state["status"] == "open")
    deals = state.index[is_due & (expected >= begins) & (expected < ends)]
    status = history.deals_at(end - 1)["status"]
    later = (changes["at"] >= moment) & (changes["old"] < ends) & (changes["new"] >= ends)
    members = now.loc[deals, [*DEAL_CUTS, "is_alive"]].reset_index()
    return members.assign(
        month=month,
        stays_open=(status.loc[deals] == "open").to_numpy(),
        is_pushed=members["deal"].isin(changes["id"][later]),
    )


def _pushes(history: History, tall: Tall) -> None:
    """push_count: changes of the close date to a later one, made while the deal was open.

    The change made in the instant of a closing is not a push, not even of one that was followed by
    a re-opening; a new date given on re-opening is.
    """
    closed = history.deals[history.deals["is_closed"]]
    closed = closed.assign(month=closed["closed_month"])
    pushes = _moved_while_open(history)
    pushes = pushes[(pushes["old"] != NULL_DAY) & (pushes["new"] > pushes["old"])]
    deals = len(history.fact("opportunities", "created_at"))
    count = np.bincount(pushes["id"], minlength=deals)[closed["deal"]]
    tall.add("push_count", closed, DEAL_CUTS, unit="count", numerator=count, denominator=1)


def _moved_while_open(history: History) -> pd.DataFrame:
    """Changes of deals' close dates made while the deals were open: `at, id, old, new`."""
    changes = history.changes("opportunities", "close_date")
    return changes[history.status_at(changes["id"], changes["at"]) == "open"]
