"""Truth of quotas: what each day asks of whom, what counts against it, and who is at quota."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import MEASURES, NONE, NULL, NULL_DAY
from ingestion.sandbox.world.store import Array
from tests.truth.calendar import first_day, month_of_day
from tests.truth.history import OWNER_CUTS, History
from tests.truth.table import GRAINS, Tall, ratio

VARIANTS = {"revenue": "default", "deals": "deals", "activities": "activities"}
"""Variant of quota_attainment by the measure of the quota."""
REP, TEAM, COMPANY = range(3)
"""Whose quota it is."""
NOBODY = -2
"""In the place of a rep: the quota is the team's or the company's own."""
CUTS = ("company", *OWNER_CUTS)
CELL = ("month", *OWNER_CUTS)
SUMS = ["quota", "won", "left_out", "of_others", "is_behind"]


def add_quotas(quotas: Sequence[Quotas]) -> None:
    """quota_attainment, reps_at_quota.

    Day by day the company's own quota holds, else the teams': each team's own, else those of its
    reps; for another cut those of the reps in it. What was won counts where and when a quota
    covers whoever won it. A rep who won something that nothing covers is excluded, and from the
    rep's own cell also one whom only the team's or the company's quota covers, unless something of
    the rep's counts in the period, too. `n_included` is the number of reps behind the cell; among
    the company's also that of teams whose own quota nobody is behind.
    """
    for of_measure in quotas:
        for cut in CUTS if len(of_measure.asked) else ():
            for grain in GRAINS:
                _attainment(of_measure, cut, grain)
        if of_measure.measure == "revenue":
            for grain in GRAINS:
                _reps_at_quota(of_measure, grain)


@dataclass(frozen=True)
class Quotas:
    """The quotas of a measure (revenue, deals, activities) and what counts against them."""

    history: History
    tall: Tall
    measure: str

    @cached_property
    def asked(self) -> pd.DataFrame:
        """What each day asks, as `daily_quotas`."""
        return daily_quotas(self.history, self.measure)

    @cached_property
    def people(self) -> pd.DataFrame:
        """What each rep is asked and has won, as `people_by_month`."""
        won = credits(self.history, self.measure)
        return people_by_month(self.history, self.asked, won)

    @cached_property
    def monthly(self) -> dict[str, pd.DataFrame]:
        """What is asked and won in each cut, as `_entries`."""
        return {cut: _entries(self.people, self.asked, cut) for cut in CUTS}

    def begun(self, cut: str, grain: str) -> pd.DataFrame:
        """Those of `reps` whose periods have begun."""
        reps = self.reps(cut, grain)
        current = self.tall.period(np.array([self.history.this_month]), grain)[0]
        return reps[reps["period"] <= current].reset_index(drop=True)

    def reps(self, cut: str, grain: str) -> pd.DataFrame:
        """What each rep of each cell of a cut is asked and has won, coming periods included.

        `period, code, rep` (or NOBODY), `quota, won, is_included`. The grain all
        ends with the current month.
        """
        monthly = self.monthly[cut]
        if grain == "all":
            monthly = monthly[monthly["month"] <= self.history.this_month]
        period = self.tall.period(monthly["month"].to_numpy(), grain)
        sums = monthly.groupby([period, monthly["code"].to_numpy(), monthly["rep"].to_numpy()])
        reps = sums[SUMS].sum().round(6).rename_axis(["period", "code", "rep"]).reset_index()
        reps["is_included"] = (reps["rep"] == NOBODY) | (reps["is_behind"] > 0)
        kept = reps["is_included"] | (reps["left_out"] > 0) | (reps["of_others"] > 0)
        return reps[kept].reset_index(drop=True)


def daily_quotas(history: History, measure: str) -> pd.DataFrame:
    """What each day asks: `target, key` (rep, code of the team, or 0), `day, month, quota`.

    Evenly over the days of a quota's period. Of several for one day the finest grain holds, of one
    grain the one that began last; the others keep their other days. Revenue is converted at the
    rate of the quota's first day, or today's if that is still to come. As-of hides none.
    """
    rows = np.flatnonzero(history.fact("quotas", "measure") == MEASURES.index(measure))
    start, grain, owner, team, amount = (
        history.fact("quotas", name)[rows].astype(np.int64)
        for name in ("period_start", "period_grain", "owner_id", "team_number", "amount")
    )
    if measure == "revenue":
        day = np.minimum(start, history.today)
        amount = history.convert(amount, history.fact("quotas", "currency")[rows], day)
    end = _months_after(start, np.array([1, 3, 12])[grain])
    is_team = team != NULL_DAY
    target = np.select([owner != NONE, is_team], [REP, TEAM], COMPANY)
    key = np.select(
        [owner != NONE, is_team], [owner, history.team_codes[np.where(is_team, team, 0)]], 0
    )
    days = pd.DataFrame(
        {"target": target, "key": key, "grain": grain, "start": start,
         "quota": amount / 100 / (end - start)}
    ).loc[np.repeat(np.arange(len(rows)), end - start)]  # fmt: skip
    days["day"] = days["start"] + days.groupby(level=0).cumcount()
    days = days.sort_values(["grain", "start"], ascending=[True, False], kind="stable")
    days = days.drop_duplicates(["target", "key", "day"]).reset_index(drop=True)
    return days.assign(month=month_of_day(days["day"]))[["target", "key", "day", "month", "quota"]]


def _months_after(day: Ints, months: Ints) -> Ints:
    """The same day of the month some months later, or that month's last."""
    month = month_of_day(day) + months
    within = np.minimum(
        day - first_day(month_of_day(day)), first_day(month + 1) - first_day(month) - 1
    )
    return first_day(month) + within


def credits(history: History, measure: str) -> pd.DataFrame:
    """What counts against quotas, each with its day and the owner's cuts of that moment."""
    if measure == "activities":
        at = history.happened_at
        at, owner = at[at != NULL], history.fact("activities", "owner_id")[at != NULL]
        return history.owner_cuts(owner, at).assign(day=history.local_day(at), won=1.0)
    won = history.live_deals[history.live_deals["status"] == "won"]
    if measure == "revenue":
        won = won[won["has_amount"]]
    cuts = history.owner_cuts(won["owner"], won["closed_at"].to_numpy())
    worth = won["cents"].to_numpy() / 100 if measure == "revenue" else 1.0
    return cuts.assign(day=won["closed_day"].to_numpy(), won=worth)


def people_by_month(history: History, asked: pd.DataFrame, won: pd.DataFrame) -> pd.DataFrame:
    """Quotas of reps and what was won, by month, the cuts of the day, and what covers it.

    `has_own`, `has_team`, `has_company`: whose quotas cover the rep on the day.
    """
    of_reps = asked[asked["target"] == REP]
    day_ends = history.day_start(of_reps["day"].to_numpy() + 1) - 1
    owners = history.owner_cuts(of_reps["key"], day_ends)
    owners = owners.assign(day=of_reps["day"].to_numpy(), quota=of_reps["quota"].to_numpy())
    people = pd.concat([owners, won], ignore_index=True).fillna({"quota": 0.0, "won": 0.0})
    covers = ("has_own", "has_team", "has_company")
    for target, (name, code) in enumerate(zip(covers, ("rep", "team", None), strict=True)):
        known = asked[asked["target"] == target]
        key = people[code] if code else pd.Series(0, people.index)
        pairs = pd.MultiIndex.from_arrays([key, people["day"]])
        people[name] = pairs.isin(pd.MultiIndex.from_frame(known[["key", "day"]]))
    people["month"] = month_of_day(people["day"].to_numpy())
    return people.groupby([*CELL, *covers], as_index=False)[["quota", "won"]].sum()


def _entries(people: pd.DataFrame, asked: pd.DataFrame, cut: str) -> pd.DataFrame:
    """What a cut asks and gets, by month, code and rep (NOBODY: a quota of no rep)."""
    own, team, company = (people[f"has_{of}"] for of in ("own", "team", "company"))
    is_covered = own | team | company
    covers, counts = own, own
    if cut == "team":
        covers, counts = own | team, own & ~team
    elif cut == "company":
        covers, counts = is_covered, own & ~team & ~company
    is_rep = people["rep"] != NONE
    code = pd.Series(0, people.index) if cut == "company" else people[cut]
    of_reps = pd.DataFrame(
        {
            "month": people["month"], "code": code, "rep": people["rep"],
            "quota": people["quota"].where(counts, 0), "won": people["won"].where(covers, 0),
            "left_out": people["won"].where(~is_covered & is_rep, 0),
            "of_others": people["won"].where(is_covered & ~own & is_rep & (cut == "rep"), 0),
            "is_behind": covers.astype(int),
        }
    )  # fmt: skip
    return pd.concat([of_reps, _own_targets(asked, cut)], ignore_index=True)


def _own_targets(asked: pd.DataFrame, cut: str) -> pd.DataFrame:
    """Quotas that are the teams' or the company's own, where the cut has them."""
    teams, company = (asked[asked["target"] == target] for target in (TEAM, COMPANY))
    held = {
        "team": teams,
        "company": pd.concat([company, teams[~teams["day"].isin(company["day"])]]),
    }.get(cut, asked[:0])
    code = 0 if cut == "company" else held["key"]
    frame = held[["month", "quota"]].assign(code=code, rep=NOBODY, won=0, left_out=0, of_others=0)
    return frame.assign(is_behind=0)


def _attainment(quotas: Quotas, cut: str, grain: str) -> None:
    """Cells of quota_attainment; a quota that nobody is behind is one record."""
    reps = quotas.begun(cut, grain)
    is_person = reps["rep"] != NOBODY
    counted = reps[["quota", "won"]].assign(
        behind=(is_person & reps["is_included"]).astype(int),
        left=(~reps["is_included"]).astype(int),
    )
    cells = counted.groupby([reps["period"], reps["code"]]).sum()
    if cut == "company":
        nobodys = _teams_of_nobody(quotas, grain)
        cells["behind"] += cells.index.get_level_values(0).map(nobodys).fillna(0).astype(int)
    won, quota = cells["won"].to_numpy(), cells["quota"].to_numpy()
    sums: dict[str, Array] = {
        "n_included": np.maximum(cells["behind"].to_numpy(), quota > 0),
        "n_excluded": cells["left"].to_numpy(),
        "numerator": won,
        "denominator": quota,
        "value": ratio(won, quota),
    }
    where = [cells.index.get_level_values(level).to_numpy(np.int64) for level in (0, 1)]
    variant = VARIANTS[quotas.measure]
    quotas.tall.keep("quota_attainment", variant, "ratio", grain, cut, where[0], where[1], sums)


def _teams_of_nobody(quotas: Quotas, grain: str) -> pd.Series:
    """How many teams' own quotas are among the company's with nobody behind them, by period."""
    asked, this_month = quotas.asked, quotas.history.this_month
    own = asked[asked["target"] == TEAM]
    own = own[~own["day"].isin(asked.loc[asked["target"] == COMPANY, "day"])]
    if grain == "all":
        own = own[own["month"] <= this_month]
    period = quotas.tall.period(own["month"].to_numpy(), grain)
    held = pd.MultiIndex.from_arrays([period, own["key"]]).unique()
    reps = quotas.begun("team", grain)
    manned = reps[(reps["rep"] != NOBODY) & reps["is_included"]]
    left = held.difference(pd.MultiIndex.from_frame(manned[["period", "code"]]))
    return left.get_level_values(0).value_counts()


def _reps_at_quota(quotas: Quotas, grain: str) -> None:
    """Reps by their attainment in the period, in the team that they had when it ended."""
    history, tall, reps = quotas.history, quotas.tall, quotas.begun("rep", grain)
    reps = reps[(reps["quota"] > 0) | ~reps["is_included"]].reset_index(drop=True)
    if reps.empty:
        return
    first = int(reps["period"].min())
    ends = {month: end for month, end, _ in history.period_ends(tall, grain, first)}
    at = reps["period"].map(ends).to_numpy(np.int64)
    members = history.owner_cuts(reps["rep"], at).assign(month=reps["period"])
    tall.add(
        "reps_at_quota", members, OWNER_CUTS, unit="ratio", grains=(grain,), denominator=1,
        included=reps["is_included"], numerator=reps["won"] >= reps["quota"],
    )  # fmt: skip
