"""quota_attainment and reps_at_quota, day by day.

Each day asks whose quota holds: for the company its own, else its teams'; for a team its own, else
its reps'; for a manager the team's target, else the reps'; for reps, regions and segments those of
the reps. What was won counts if one of the quotas that hold covers whoever won it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tests.oracle.existing import done
from tests.oracle.members import NONE, OWNER_CUTS, deals_now
from tests.oracle.money import Rates
from tests.oracle.periods import GRAINS, period_start
from tests.oracle.records import Records

Row = dict[str, object]
Day = dt.date
VARIANTS = {"revenue": "default", "deals": "deals", "activities": "activities"}
FINENESS = ("month", "quarter", "year")
EXCLUDED = [
    "metric", "variant", "entity", "entity_id", "reason", "period_grain", "period_start",
]  # fmt: skip
ALMOST = 1e-6


@dataclass(frozen=True)
class Credit:
    """Something that counts against quotas: when, and whose it was then."""

    day: Day
    rep: str
    team: str
    manager: str
    amount: float


@dataclass
class Tally:
    """What a cell has in a month or period; reps by name where they won something.

    `teams` are those whose own quotas are among the company's.
    """

    quotas: list[float] = field(default_factory=list)
    teams: set[str] = field(default_factory=set)
    won: float = 0.0
    behind: set[str] = field(default_factory=set)
    left_out: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    of_others: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, other: Tally) -> None:
        """Add another month's."""
        self.quotas += other.quotas
        self.teams |= other.teams
        self.won += other.won
        self.behind |= other.behind
        for mine, theirs in ((self.left_out, other.left_out), (self.of_others, other.of_others)):
            for rep, amount in theirs.items():
                mine[rep] += amount

    def excluded(self) -> set[str]:
        """Who won something that nothing covers, and has nothing that counts."""
        return {rep for rep, won in self.left_out.items() if won > 0} - self.behind - {NONE}

    def without_own(self) -> set[str]:
        """The same, though a team's or the company's quota may cover them."""
        others = {rep for rep, won in self.of_others.items() if won > 0}
        return self.excluded() | (others - self.behind - {NONE})


Cells = Mapping[tuple[str, str], Mapping[pd.Period, Tally]]


class Quotas:
    """The quotas of a measure: what each target is asked for on each day."""

    def __init__(self, records: Records, measure: str) -> None:
        self.users = records["users"].set_index("source_id")
        self._held: dict[tuple[str, str], dict[Day, tuple[object, float]]] = defaultdict(dict)
        rates, quotas = Rates(records), records["quotas"]
        for quota in quotas[quotas["measure"] == measure].itertuples():
            start = dt.date.fromisoformat(quota.period_start)
            after = (pd.Timestamp(start) + pd.DateOffset(months=GRAINS[quota.period_grain])).date()
            amount = float(
                rates.convert(quota.amount, quota.currency, start)
                if measure == "revenue"
                else quota.amount
            )
            rank = (-FINENESS.index(quota.period_grain), start)
            held = self._held[self._target(quota.owner_id, quota.team, start)]
            length = (after - start).days
            for number in range(length):
                day = start + dt.timedelta(days=number)
                held[day] = max(held.get(day, (rank, 0.0)), (rank, amount / length))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._held)

    def of(self, kind: str, key: str, day: Day) -> float | None:
        """What a target is asked for on a day by its own quota."""
        found = self._held[kind, key].get(day) if (kind, key) in self._held else None
        return found[1] if found else None

    def keys(self, kind: str) -> list[str]:
        """Who has quotas of a kind."""
        return [key for of, key in self._held if of == kind]

    def days(self) -> set[Day]:
        """The days that are covered by any."""
        return {day for held in self._held.values() for day in held}

    def of_rep(self, rep: str, cut: str) -> str:
        """The key of a rep in a cut."""
        if cut == "rep":
            return rep
        return self.users["manager_id" if cut == "manager" else cut].get(rep) or NONE

    def _target(self, owner: str | None, team: str | None, start: Day) -> tuple[str, str]:
        if owner is None:
            return ("team", team) if team else ("company", "all")
        reports = self.users[self.users["manager_id"] == owner]
        has_reports = any(
            left is None or dt.date.fromisoformat(left) >= start for left in reports["left_on"]
        )
        return ("manager" if has_reports else "rep", owner)

    def above(self, rep: str) -> set[str]:
        """Everyone whom a rep works for."""
        found: set[str] = set()
        manager = self.of_rep(rep, "manager")
        while manager not in found and manager != NONE:
            found.add(manager)
            manager = self.of_rep(manager, "manager")
        return found


def quota_values(records: Records, as_of: pd.Timestamp) -> pd.DataFrame:
    """Rows of both metrics; none where the company has no quota."""
    rows = [row for measure in VARIANTS for row in _rows(records, as_of, measure)]
    return pd.DataFrame(rows)


def quota_exclusions(records: Records, as_of: pd.Timestamp) -> pd.DataFrame:
    """Reps who won something that no quota covers, or whose quota is 0, by period."""
    rows = []
    for measure, variant in VARIANTS.items():
        for (cut, _key), grain, period, tally in _periods(records, as_of, measure):
            named = ("user", "no_quota", grain, period)
            if cut == "company":
                rows += [("quota_attainment", variant, *named, r) for r in tally.excluded()]
            if cut == "rep" and measure == "revenue":
                rows += [("reps_at_quota", variant, *named, r) for r in tally.without_own()]
                zero = ("user", "zero_quota", grain, period)
                rows += [("reps_at_quota", variant, *zero, r) for r in _asked_for_nothing(tally)]
    columns = ["metric", "variant", "entity", "reason", "period_grain", "period_start", "entity_id"]
    return pd.DataFrame(rows, columns=columns)[EXCLUDED]


def _asked_for_nothing(tally: Tally) -> set[str]:
    """The rep of a cell whose quotas add up to 0."""
    return tally.behind if tally.quotas and sum(tally.quotas) <= 0 else set()


def _rows(records: Records, as_of: pd.Timestamp, measure: str) -> Iterator[Row]:
    quotas = Quotas(records, measure)
    judged: dict[tuple[str, str, str, str], list[set[str]]] = defaultdict(
        lambda: [set(), set(), set()]
    )
    cells = list(_periods(records, as_of, measure))
    manned = {(key, grain, period) for (cut, key), grain, period, tally in cells
              if cut == "team" and tally.behind}  # fmt: skip
    for (cut, key), grain, period, tally in cells:
        nobodys = [team for team in tally.teams if (team, grain, period) not in manned]
        shared = {"unit": "ratio", "period_grain": grain, "period_start": period}
        excluded = tally.excluded()
        if tally.quotas or tally.behind or excluded:
            yield {
                **shared, "metric": "quota_attainment", "variant": VARIANTS[measure],
                "dimension": cut, "dimension_key": key,
                "n_included": max(len(tally.behind) + len(nobodys), int(bool(tally.quotas))),
                "n_excluded": len(excluded), **_ratio(tally.won, sum(tally.quotas)),
            }  # fmt: skip
        if cut == "rep" and measure == "revenue":
            for of_rep in ("company", *OWNER_CUTS):
                cell = "all" if of_rep == "company" else quotas.of_rep(key, of_rep)
                asked, reached, without = judged[grain, period, of_rep, cell]
                if sum(tally.quotas) > 0:
                    asked.add(key)
                    if tally.won >= sum(tally.quotas) - ALMOST:
                        reached.add(key)
                without |= tally.without_own() | _asked_for_nothing(tally)
    for (grain, period, cut, key), (asked, reached, without) in judged.items():
        if asked or without:
            yield {
                "metric": "reps_at_quota", "variant": "default", "unit": "ratio",
                "period_grain": grain, "period_start": period, "dimension": cut,
                "dimension_key": key, "n_included": len(asked), "n_excluded": len(without),
                **_ratio(len(reached), len(asked)),
            }  # fmt: skip


def _periods(
    records: Records, as_of: pd.Timestamp, measure: str
) -> Iterator[tuple[tuple[str, str], str, str, Tally]]:
    """Cells by period that has begun; all time ends with the current month."""
    now = records.local(pd.Series([as_of]))[0].to_period("M")
    fiscal = records.fiscal_year_start_month
    for cell, months in _cells(records, as_of, measure).items():
        for grain in GRAINS:
            periods: dict[str, Tally] = defaultdict(Tally)
            for month, tally in months.items():
                start = period_start(month, grain, fiscal)
                if start <= period_start(now, grain, fiscal) and (grain != "all" or month <= now):
                    periods[start].add(tally)
            for start, tally in periods.items():
                yield cell, grain, start, tally


def _cells(records: Records, as_of: pd.Timestamp, measure: str) -> Cells:
    """Every cell's months."""
    quotas = Quotas(records, measure)
    cells: dict[tuple[str, str], dict[pd.Period, Tally]] = defaultdict(lambda: defaultdict(Tally))
    if not quotas:
        return cells
    by_day: dict[Day, list[Credit]] = defaultdict(list)
    for credit in _credits(records, as_of, measure):
        by_day[credit.day].append(credit)
    for day in sorted(quotas.days() | set(by_day)):
        month = pd.Period(day, "M")
        for cell, tally in _day(quotas, day, by_day[day]):
            cells[cell][month].add(tally)
    return cells


def _day(
    quotas: Quotas, day: Day, credits: Iterable[Credit]
) -> Iterator[tuple[tuple[str, str], Tally]]:
    """What a day adds to cells."""
    companys = quotas.of("company", "all", day)
    teams = {t: q for t in quotas.keys("team") if (q := quotas.of("team", t, day)) is not None}
    targets = {
        m: q for m in quotas.keys("manager") if (q := quotas.of("manager", m, day)) is not None
    }
    own = {r: q for r in quotas.keys("rep") if (q := quotas.of("rep", r, day)) is not None}

    whole = Tally([] if companys is None else [companys])
    if companys is None:
        whole.quotas += teams.values()
        whole.teams = set(teams)
    yield ("company", "all"), whole
    yield from ((("team", team), Tally([quota])) for team, quota in teams.items())
    yield from ((("manager", manager), Tally([quota])) for manager, quota in targets.items())
    for rep, quota in own.items():
        in_team, has_target = (
            quotas.of_rep(rep, "team") in teams,
            quotas.of_rep(rep, "manager") in targets,
        )
        hides = {"company": companys is not None or in_team, "team": in_team, "manager": has_target}
        for cut in ("company", *OWNER_CUTS):
            key = "all" if cut == "company" else quotas.of_rep(rep, cut)
            yield (cut, key), Tally([] if hides.get(cut) else [quota], behind={rep})

    for credit in credits:
        covered = companys is not None or credit.team in teams or credit.rep in own
        nothing = {} if covered else {credit.rep: credit.amount}
        counts = {
            "company": covered,
            "team": credit.team in teams or credit.rep in own,
            "manager": credit.rep in own and credit.manager not in targets,
        }
        keys = {"team": credit.team, "manager": credit.manager, "company": "all"}
        for cut in ("company", *OWNER_CUTS):
            key = keys.get(cut) or quotas.of_rep(credit.rep, cut)
            if counts.get(cut, credit.rep in own):
                yield (cut, key), Tally(won=credit.amount, behind={credit.rep})
            elif not (cut == "manager" and credit.manager in targets):
                tally = Tally()
                tally.left_out.update(nothing)
                if cut == "rep" and covered:
                    tally.of_others[credit.rep] += credit.amount
                yield (cut, key), tally
        for manager in quotas.above(credit.rep) & set(targets):
            yield ("manager", manager), Tally(won=credit.amount, behind={credit.rep})


def _credits(records: Records, as_of: pd.Timestamp, measure: str) -> Iterator[Credit]:
    if measure == "activities":
        users = records["users"].set_index("source_id")
        acts = done(records, as_of)
        acts = acts[~acts["is_deleted"].astype(bool)]
        for owner, at in zip(acts["owner_id"], records.local(acts["occurred_at"]), strict=True):
            team, manager = (users[column].get(owner) for column in ("team", "manager_id"))
            yield Credit(at.date(), owner or NONE, team or NONE, manager or NONE, 1.0)
        return
    deals = deals_now(records, as_of)
    won = deals[(deals["status"] == "won") & deals["removal"].isna() & deals["closed_at"].notna()]
    if measure == "revenue":
        won = won[won["value"].notna()]
    days = records.local(won["closed_at"]).dt.date
    for day, deal in zip(days, won.itertuples(), strict=True):
        amount = float(deal.value) if measure == "revenue" else 1.0
        yield Credit(day, deal.rep, deal.team, deal.manager, amount)


def _ratio(numerator: float, denominator: float) -> Row:
    value = numerator / denominator if denominator else np.nan
    return {"value": value, "numerator": float(numerator), "denominator": float(denominator)}
