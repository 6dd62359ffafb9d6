"""Truth of the Pipeline metrics: value, creation, stages, coverage, slippage, adherence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY
from ingestion.sandbox.world.schema import (
    FIRST_STAGE,
    NONE,
    NULL,
    NULL_DAY,
    PIPELINES,
    STAGE_OPEN,
    STAGES,
)
from tests.truth.calendar import first_day, month_of_day
from tests.truth.closing import STATUS
from tests.truth.history import DEAL_CUTS, LENGTH, ORDER, PROBABILITY_PERCENT, History
from tests.truth.quotas import CUTS, Quotas
from tests.truth.table import GRAINS, Tall, ratio

STAGE_CUTS = (*DEAL_CUTS, "stage")
OPEN_STAGES = np.array(
    [sum(s.pipeline == p and s.status == "open" for s in STAGES) for p in range(len(PIPELINES))]
)
"""Number of open stages of each pipeline."""


def add_pipeline(history: History, quotas: Quotas, tall: Tall) -> None:
    """All Pipeline metrics; none before the first deal."""
    if history.deals.empty:
        return
    _value(history, tall)
    _created(history, tall)
    visits = stage_visits(history)
    _velocity(history, visits, tall)
    _conversion(history, visits, tall)
    _coverage(history, quotas, tall)
    _slippage(history, tall)
    _pushes(history, tall)
    _adherence(history, visits, tall)
    _stalled(history, visits, tall)


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
    tall.add(
        "pipeline_created", deals, DEAL_CUTS, unit="money", numerator=deals["cents"],
        included=deals["has_amount"], per=(100, 1),
    )  # fmt: skip
    tall.add("pipeline_created", deals, DEAL_CUTS, unit="deals", variant="count", numerator=1)
    born = _at_creation(history)
    tall.add(
        "pipeline_created", born, DEAL_CUTS, unit="money", variant="as_created",
        numerator=born["cents"], included=born["has_amount"], per=(100, 1),
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


def stage_visits(history: History) -> pd.DataFrame:
    """One row per stay of a deal in a stage, closed stages too, in order of entry.

    `deal, stage, entered_at, exited_at` (NULL while there), `next_stage` (-1 while there),
    `is_closing` (the entry closed the deal), `ends_bare` (a day's end stands for the exit), the
    cuts of the deal (credited owner), and whether it `is_alive`: neither deleted nor merged.
    """
    visits = history.moves.sort_values("id", kind="stable")
    deal, stage, entered, is_closing, is_bare = (
        visits[name].to_numpy() for name in ("id", "new", "at", "is_closing", "is_bare")
    )
    has_next = np.append(deal[1:] == deal[:-1], False)
    frame = pd.DataFrame(
        {
            "deal": deal,
            "stage": stage,
            "entered_at": entered,
            "exited_at": np.where(has_next, np.roll(entered, -1), NULL),
            "next_stage": np.where(has_next, np.roll(stage, -1), NONE),
            "is_closing": is_closing,
            "ends_bare": has_next & np.roll(is_bare, -1),
        }
    )
    deals = history.deals.set_index("deal")
    of_deal = deals.loc[deal, [*DEAL_CUTS, "is_alive"]].reset_index(drop=True)
    return pd.concat([frame, of_deal], axis=1)


def _ended(history: History, visits: pd.DataFrame) -> pd.DataFrame:
    """Visits to open stages that have ended, with their `span` and the `month` they ended in."""
    ended = visits[STAGE_OPEN[visits["stage"]] & (visits["exited_at"] != NULL)]
    entered, exited = ended["entered_at"].to_numpy(), ended["exited_at"].to_numpy()
    span = history.span(entered, exited, ended["ends_bare"].to_numpy())
    return ended.assign(span=span, month=history.month(exited))


def _velocity(history: History, visits: pd.DataFrame, tall: Tall) -> None:
    """stage_velocity_days: ended visits to open stages, by the month they ended in.

    Every visit counts, however it ended. `per_deal`: the visits of a deal to a stage added up,
    dated by the end of the last one, for deals that are not in the stage now.
    """
    ended = _ended(history, visits)
    shared: dict[str, Any] = {"unit": "days", "per": (DAY, 1)}
    tall.add(
        "stage_velocity_days", ended, STAGE_CUTS, **shared, numerator=ended["span"], denominator=1
    )
    tall.add(
        "stage_velocity_days", ended, STAGE_CUTS, **shared, variant="median",
        numerator=ended["span"], statistic="median",
    )  # fmt: skip
    still = visits[visits["exited_at"] == NULL].set_index(["deal", "stage"]).index
    stays = ended.groupby(["deal", "stage"])
    total = stays.last()
    total["span"] = stays["span"].sum()
    total = total[~total.index.isin(still)].reset_index()
    tall.add(
        "stage_velocity_days", total, STAGE_CUTS, **shared, variant="per_deal",
        numerator=total["span"], denominator=1,
    )  # fmt: skip


def stage_entries(visits: pd.DataFrame) -> pd.DataFrame:
    """Entries of deals into open stages, skipped ones included, in order of time.

    A move forward from an open stage enters every open stage it jumps over, in the same instant.
    `is_real` tells visits from skips; `reached` is the greatest order of an open stage, or that of
    won, which the deal reached in later moves (0: none); `won_later` whether it then was won.
    """
    order, status = ORDER[visits["stage"]], STATUS[visits["stage"]]
    counts_as = np.where((status == "open") | (status == "won"), order, 0)
    later = visits.assign(counts_as=counts_as, is_won=(status == "won").astype(np.int64)).iloc[::-1]
    best = later.groupby("deal")[["counts_as", "is_won"]].cummax()
    best = best.groupby(later["deal"]).shift(1, fill_value=0).iloc[::-1]
    visits = visits.assign(
        is_real=True, reached=best["counts_as"].astype(np.int64),
        won_later=best["is_won"].astype(bool), order=order, position=np.arange(len(visits)),
    )  # fmt: skip
    target = np.maximum(visits["next_stage"], 0)
    pipeline = visits["pipeline"].to_numpy()
    moved = (visits["next_stage"] != NONE) & np.isin(STATUS[target], ("open", "won"))
    moved &= STAGE_OPEN[visits["stage"]]
    jumped = np.where(moved, np.maximum(ORDER[target] - order - 1, 0), 0)
    skips = visits.loc[visits.index.repeat(jumped)]
    nth = np.arange(len(skips)) - np.repeat(np.cumsum(jumped) - jumped, jumped) + 1
    skips = skips.assign(
        is_real=False, entered_at=skips["exited_at"], order=skips["order"] + nth,
        stage=FIRST_STAGE[pipeline].repeat(jumped) + skips["order"] + nth - 1,
    )  # fmt: skip
    real = visits[STAGE_OPEN[visits["stage"]]]
    entries = pd.concat([real, skips], ignore_index=True)
    return entries.sort_values(["entered_at", "position"], kind="stable", ignore_index=True)


def _conversion(history: History, visits: pd.DataFrame, tall: Tall) -> None:
    """stage_conversion_rate: deals by the month in which they entered the stage.

    A deal counts once per stage and period, by its first entry in it. A move forward between open
    stages or to won enters and passes the open stages it jumps over; closing as lost and coming
    back from a closed stage jump over none. `direct`: of the deals with a real visit entered in
    the period, those whose first such visit ended in a move to the very next stage (won after the
    last). `to_won` has the population of the default.
    """
    entries = stage_entries(visits)
    entries["month"] = history.month(entries["entered_at"])
    unit = entries["deal"].to_numpy() * len(STAGES) + entries["stage"].to_numpy()
    shared: dict[str, Any] = {"unit": "ratio", "denominator": 1}
    for variant, passed in (
        ("default", entries["reached"] > entries["order"]), ("to_won", entries["won_later"]),
    ):  # fmt: skip
        tall.add(
            "stage_conversion_rate", entries, STAGE_CUTS, **shared, variant=variant,
            numerator=passed, once_per=unit,
        )  # fmt: skip
    real = entries[entries["is_real"]]
    following = np.maximum(real["next_stage"], 0)
    direct = (real["next_stage"] != NONE) & (ORDER[following] == real["order"] + 1)
    direct &= np.isin(STATUS[following], ("open", "won"))
    tall.add(
        "stage_conversion_rate", real, STAGE_CUTS, **shared, variant="direct", numerator=direct,
        once_per=unit[entries["is_real"]],
    )  # fmt: skip


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


def _adherence(history: History, visits: pd.DataFrame, tall: Tall) -> None:
    """process_adherence: closed deals that visited each open stage once, in order, then closed.

    A deal lost half-way has not passed every stage and does not adhere; nor does one re-opened.
    Stages after the closing one count for nothing.
    """
    visits = visits[visits["is_closing"] | STAGE_OPEN[visits["stage"]]].reset_index(drop=True)
    closed = history.deals[history.deals["is_closed"]]
    closed = closed.assign(month=closed["closed_month"])
    order = ORDER[visits["stage"]]
    nth = visits.groupby("deal").cumcount() + 1
    stages = OPEN_STAGES[visits["pipeline"]]
    expected = np.where(
        nth <= stages, (order == nth) & STAGE_OPEN[visits["stage"]], nth == stages + 1
    )
    sums = pd.DataFrame({"as_expected": expected, "count": 1}).groupby(visits["deal"]).sum()
    sums = sums.reindex(closed["deal"], fill_value=0)
    needed = OPEN_STAGES[closed["pipeline"]] + 1
    adheres = (sums["as_expected"] == sums["count"]).to_numpy() & (
        sums["count"] == needed
    ).to_numpy()
    won = (closed["status"] == "won").to_numpy()
    shared: dict[str, Any] = {"unit": "ratio", "denominator": 1}
    tall.add("process_adherence", closed, DEAL_CUTS, **shared, numerator=adheres)
    tall.add(
        "process_adherence", closed[won], DEAL_CUTS, **shared, variant="won",
        numerator=adheres[won],
    )  # fmt: skip


def _stalled(history: History, visits: pd.DataFrame, tall: Tall) -> None:
    """stalled_value: as of now only (grain all); deals in a stage over twice its median visit.

    The median is over all ended visits of live deals to the stage up to now, of the whole company.
    Every open deal is a member; excluded are those in a stage without a median, which leave the sum
    unknown where there are no others, and stalled ones without amount.
    """
    ended = _ended(history, visits)
    median = np.full(len(STAGES), np.nan)
    medians = ended[ended["is_alive"]].groupby("stage")["span"].median()
    median[medians.index] = medians
    here = visits[visits["is_alive"] & (visits["exited_at"] == NULL) & STAGE_OPEN[visits["stage"]]]
    here = here.reset_index(drop=True).assign(month=0)
    entered = here["entered_at"].to_numpy()
    age = history.span(entered, np.full(len(here), history.as_of), np.zeros(len(here), bool))
    usual = median[here["stage"]]
    is_stalled = age > 2 * usual
    deals = history.live_deals.set_index("deal").loc[here["deal"]]
    has_amount = deals["has_amount"].to_numpy()
    tall.add(
        "stalled_value", here, STAGE_CUTS, unit="money", per=(100, 1), grains=("all",),
        numerator=np.where(is_stalled, deals["cents"].to_numpy(), 0), unknown=np.isnan(usual),
        included=~np.isnan(usual) & (has_amount | ~is_stalled),
    )  # fmt: skip
