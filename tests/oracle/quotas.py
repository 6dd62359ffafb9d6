"""quota_attainment and reps_at_quota."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from tests.oracle.members import NONE, OWNER_CUTS, Members
from tests.oracle.money import Rates
from tests.oracle.periods import GRAINS, period_start
from tests.oracle.records import Records

Cell = dict[str, object]
VARIANTS = {"revenue": "default", "deals": "deals"}
CREDITS = {"revenue": "revenue_won", "deals": "deals_won"}


def quota_values(records: Records, as_of: pd.Timestamp, members: Sequence[Members]) -> pd.DataFrame:
    """Rows of both metrics; none where the company has no quota of money or deals."""
    rows = [row for measure in VARIANTS for row in _measure(records, as_of, members, measure)]
    return pd.DataFrame(rows)


def quota_exclusions(
    records: Records, as_of: pd.Timestamp, members: Sequence[Members]
) -> pd.DataFrame:
    """Reps who won something and never had a quota that counts."""
    rows = []
    for measure, variant in VARIANTS.items():
        quotas = _monthly(records, measure)
        if quotas:
            for rep in _without_quota(records, as_of, _wins(members, measure), quotas):
                rows.append(("quota_attainment", variant, "user", rep, "no_quota"))
                if measure == "revenue":
                    rows.append(("reps_at_quota", variant, "user", rep, "no_quota"))
    return pd.DataFrame(rows, columns=["metric", "variant", "entity", "entity_id", "reason"])


def _monthly(records: Records, measure: str) -> dict[tuple[str, str], dict[pd.Period, float]]:
    """Quotas by target, spread to months evenly by days: ("rep", id), ("team", name), company."""
    rates = Rates(records)
    spread: dict[tuple[str, str], dict[pd.Period, float]] = defaultdict(lambda: defaultdict(float))
    quotas = records["quotas"]
    for quota in quotas[quotas["measure"] == measure].itertuples():
        first = pd.Period(quota.period_start, "D")
        after = (
            pd.Timestamp(quota.period_start) + pd.DateOffset(months=GRAINS[quota.period_grain])
        ).to_period("D")
        amount = float(quota.amount)
        if measure == "revenue":
            amount = float(
                rates.convert(
                    quota.amount, quota.currency, dt.date.fromisoformat(quota.period_start)
                )
            )
        days = pd.period_range(first, after - 1, freq="D")
        target = (
            ("rep", quota.owner_id)
            if quota.owner_id
            else ("team", quota.team)
            if quota.team
            else ("company", "all")
        )
        for month, share in days.asfreq("M").value_counts().items():
            spread[target][month] += amount * share / len(days)
    return spread


def _wins(members: Sequence[Members], measure: str) -> pd.DataFrame:
    of = next(m for m in members if m.metric == CREDITS[measure])
    return of.frame[of.frame["reason"].isna()]


def _without_quota(
    records: Records, as_of: pd.Timestamp, wins: pd.DataFrame, quotas: dict
) -> list[str]:
    """People who won something, and who have no quota up to now."""
    now = records.local(pd.Series([as_of]))[0].to_period("M")
    having = {key for (kind, key), months in quotas.items() if kind == "rep" and min(months) <= now}
    credit = wins.groupby("rep")["numerator"].sum().astype(float)
    return sorted(set(credit.index[credit > 0]) - {NONE} - having)


def _measure(
    records: Records, as_of: pd.Timestamp, members: Sequence[Members], measure: str
) -> Iterator[Cell]:
    quotas = _monthly(records, measure)
    if not quotas:
        return
    now = records.local(pd.Series([as_of]))[0].to_period("M")
    fiscal = records.fiscal_year_start_month
    users = records["users"].set_index("source_id")
    wins = _wins(members, measure)
    for grain in GRAINS:
        asked: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
        for target, months in quotas.items():
            for month, amount in months.items():
                if grain == "all" and month > now:
                    continue
                period = period_start(month, grain, fiscal)
                asked[period][target] = asked[period].get(target, 0.0) + amount
            begun = {period_start(month, grain, fiscal) for month in months if month <= now}
            for period in list(asked):
                if period not in begun:
                    asked[period].pop(target, None)
        won_in = wins["month"].map(lambda m, g=grain: period_start(m, g, fiscal))
        for period in sorted(set(asked) | set(won_in)):
            targets = asked.get(period, {})
            mine = wins[won_in == period]
            credit = mine.groupby("rep")["numerator"].sum().astype(float)
            reps = {key: amount for (kind, key), amount in targets.items() if kind == "rep"}
            missing = set(credit.index[credit > 0]) - {NONE} - set(reps)
            for cut in ("company", *OWNER_CUTS):

                def key_of(rep: str, cut: str = cut) -> str:
                    return "all" if cut == "company" else _owner_key(users, rep, cut)

                keys = {key_of(rep) for rep in (*reps, *missing)}
                keys |= {key for kind, key in targets if kind == cut and cut != "rep"}
                for key in sorted(keys):
                    of_key = [rep for rep in reps if key_of(rep) == key]
                    excluded = sum(key_of(rep) == key for rep in missing)
                    won, quota = (
                        sum(credit.get(r, 0.0) for r in of_key),
                        sum(reps[r] for r in of_key),
                    )
                    if cut in ("company", "team") and (cut, key) in targets:
                        quota = targets[cut, key]
                        part = mine if cut == "company" else mine[mine["team"] == key]
                        won = float(sum(part["numerator"]))
                    shared = {
                        "variant": VARIANTS[measure], "unit": "ratio", "period_grain": grain,
                        "period_start": period, "dimension": cut, "dimension_key": key,
                        "n_included": len(of_key), "n_excluded": excluded,
                    }  # fmt: skip
                    yield shared | {"metric": "quota_attainment"} | _ratio(won, quota)
                    if measure == "revenue" and (of_key or excluded):
                        reached = sum(credit.get(r, 0.0) >= reps[r] - 1e-6 for r in of_key)
                        yield shared | {"metric": "reps_at_quota"} | _ratio(reached, len(of_key))


def _owner_key(users: pd.DataFrame, rep: str, cut: str) -> str:
    if cut == "rep":
        return rep
    column = "manager_id" if cut == "manager" else cut
    value = users[column].get(rep)
    return NONE if value is None else value


def _ratio(numerator: float, denominator: float) -> Cell:
    value = numerator / denominator if denominator else np.nan
    return {"value": value, "numerator": float(numerator), "denominator": float(denominator)}
