"""Truth of the Pipeline metrics on stages: velocity, conversion, adherence, stalled deals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY
from ingestion.sandbox.world.schema import FIRST_STAGE, NONE, NULL, PIPELINES, STAGE_OPEN, STAGES
from tests.truth.closing import STATUS
from tests.truth.history import DEAL_CUTS, ORDER, History
from tests.truth.table import Tall

STAGE_CUTS = (*DEAL_CUTS, "stage")
OPEN_STAGES = np.array(
    [sum(s.pipeline == p and s.status == "open" for s in STAGES) for p in range(len(PIPELINES))]
)
"""Number of open stages of each pipeline."""


def add_stages(history: History, tall: Tall) -> None:
    """All Pipeline metrics on stages; none before the first deal."""
    if history.deals.empty:
        return
    visits = stage_visits(history)
    _velocity(history, visits, tall)
    _conversion(history, visits, tall)
    _adherence(history, visits, tall)
    _stalled(history, visits, tall)


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
