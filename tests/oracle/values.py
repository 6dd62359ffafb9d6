"""The rows of `kpi_values` and `kpi_exclusions` that a company's exports lead to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from tests.oracle.acquisition import acquisition_members
from tests.oracle.activity import activity_members
from tests.oracle.cash import Ledger, cash_members
from tests.oracle.customers import Customers
from tests.oracle.existing import existing
from tests.oracle.marketing import marketing_members
from tests.oracle.members import UNKNOWN, Members, deals_now, members_of_sales
from tests.oracle.periods import WEEKLY, period_start, week_start
from tests.oracle.quotas import quota_exclusions, quota_values
from tests.oracle.records import Records
from tests.oracle.recurring import Subscriptions, plans_of_customers, recurring_members

KEY = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
BY = ["of", "period_start", "dimension_key"]
NUMBERS = ["value", "numerator", "denominator", "n_included", "n_excluded"]


@dataclass(frozen=True)
class Expected:
    """`values`: KEY, unit, dimension_label, NUMBERS. `exclusions`: as in kpi_exclusions."""

    values: pd.DataFrame
    exclusions: pd.DataFrame


def expected(records: Records, as_of: pd.Timestamp | None = None) -> Expected:
    """All metrics as of a UTC moment (default: the company's own)."""
    now = records.as_of if as_of is None else as_of
    members = list(_all_members(records, now))
    days = records.local(pd.Series([now, records.as_of])).dt.normalize()
    values = _rollup(records, now, members, is_look_back=days[0] < days[1])
    values = pd.concat([values, _velocity(values)], ignore_index=True)
    values = pd.concat([values, quota_values(records, now)], ignore_index=True)
    values["dimension_label"] = _labels(records, now, values)
    exclusions = pd.concat(
        [*(_exclusions(one) for one in members), quota_exclusions(records, now)],
        ignore_index=True,
    )
    of_rate = (exclusions["metric"] == "win_rate") & (exclusions["variant"] == "default")
    exclusions = pd.concat([exclusions, exclusions[of_rate].assign(metric="sales_velocity")])
    exclusions["entity_key"] = [
        hashlib.md5(f"files|{records.instance_of(id)}|{id}".encode()).hexdigest()
        for id in exclusions["entity_id"]
    ]
    return Expected(
        values.sort_values(KEY, ignore_index=True), exclusions.drop_duplicates(ignore_index=True)
    )


def _all_members(records: Records, now: pd.Timestamp) -> Iterator[Members]:
    """The members of every metric that is not made of others."""
    deals = deals_now(records, now)
    for one in members_of_sales(records, deals, now):
        yield one
        if (one.metric, one.variant) == ("pipeline_created", "default"):
            yield from marketing_members(records, deals, one, now)
    yield from activity_members(records, deals, now)
    customers = Customers.of(records, deals, now)
    subscriptions = Subscriptions(records, customers, now)
    ledger = Ledger(records, customers, now)
    yield from recurring_members(subscriptions)
    yield from cash_members(ledger, deals, plans_of_customers(subscriptions))
    yield from acquisition_members(ledger, subscriptions, deals)


def _rollup(
    records: Records, now: pd.Timestamp, members: Sequence[Members], *, is_look_back: bool
) -> pd.DataFrame:
    """The cells of all metric variants, for all grains and cuts."""
    this_month = records.local(pd.Series([now]))[0].to_period("M")
    fiscal = records.fiscal_year_start_month
    present = None if is_look_back else this_month
    frame = pd.concat([_summable(one, present).assign(of=n) for n, one in enumerate(members)])
    frame = frame.reset_index(drop=True)
    states = {n: one.months for n, one in enumerate(members) if one.months}
    cells = []
    for grain in WEEKLY:
        counted = [n for n, one in enumerate(members) if grain in one.grains]
        mine = frame[frame["of"].isin(counted)]
        mine = mine if grain == "all" else mine[mine["day" if grain == "week" else "month"].notna()]
        ends = {
            n: {m for m in months if _is_end(m, this_month, grain, fiscal)}
            for n, months in states.items()
            if grain != "week"
        }
        of_months = zip(mine["of"], mine["month"], strict=True)
        mine = mine[[n not in ends or month in ends[n] for n, month in of_months]]
        if grain == "week":
            mine = mine.assign(period_start=[week_start(day) for day in mine["day"]])
        else:
            starts = {m: period_start(m, grain, fiscal) for m in mine["month"].dropna().unique()}
            mine = mine.assign(period_start=[starts.get(m, "") for m in mine["month"]])
        for cut in ("company", *sorted({cut for one in members for cut in one.cuts})):
            here = mine.assign(dimension_key=mine["company"] if cut == "company" else mine[cut])
            cell = _aggregate(here[here["dimension_key"].notna()])
            if cut == "company" and ends:
                empty = [
                    (n, period_start(m, grain, fiscal), "all")
                    for n in ends
                    if members[n].every_month
                    for m in ends[n]
                ]
                cell = cell.reindex(
                    cell.index.union(pd.MultiIndex.from_tuples(empty)), fill_value=0
                )
            cells.append(cell.reset_index(names=BY).assign(period_grain=grain, dimension=cut))
    table = pd.concat(cells, ignore_index=True)
    for field in ("metric", "variant", "unit"):
        table[field] = table["of"].map(dict(enumerate(getattr(one, field) for one in members)))
    return _valued(table, members).drop(columns=["of", "median", "n_unknown", "n_unknown_then"])


def _is_end(month: pd.Period, this_month: pd.Period, grain: str, fiscal: int) -> bool:
    """Whether the state at the end of a month is that of the longer period."""
    if grain == "all" or month == this_month:
        return month == this_month
    return period_start(month, grain, fiscal) != period_start(month + 1, grain, fiscal)


def _summable(members: Members, present: pd.Period | None) -> pd.DataFrame:
    """Members as numbers to add up: those of excluded ones are absent.

    `present` is the month that is not of the past; None in a look back.
    """
    is_included = members.frame["reason"].isna()
    is_record = members.frame["side"].isna() if "side" in members.frame else True
    is_whole = members.frame.get("is_part", pd.Series(None, members.frame.index)).isna()
    return members.frame.assign(
        company=pd.Series("all", members.frame.index).where(is_whole),
        numerator=members.frame["numerator"].astype(float).where(is_included),
        denominator=members.frame["denominator"].astype(float).where(is_included),
        n_included=(is_included & is_record).astype(int),
        n_excluded=(~is_included & is_record).astype(int),
        n_unknown=(members.frame["reason"].isin(UNKNOWN) & is_record).astype(int),
        n_unknown_then=(
            members.frame["reason"].isin(UNKNOWN)
            & is_record
            & (members.frame["month"] != present)
            & bool(members.months)
        ).astype(int),
    )


def _aggregate(frame: pd.DataFrame) -> pd.DataFrame:
    groups = frame.groupby(BY, sort=False)
    counts = ["n_included", "n_excluded", "n_unknown", "n_unknown_then"]
    cells = groups[["numerator", "denominator", *counts]].sum()
    return cells.assign(median=groups["numerator"].median())


def _valued(table: pd.DataFrame, members: Sequence[Members]) -> pd.DataFrame:
    """The cells with `value`; medians and additive metrics have nothing to divide by.

    A sum of which nothing is known, since no value of its population is, is none; so is a state of
    the past of which over a tenth is not.
    """
    is_median = table["of"].isin([n for n, one in enumerate(members) if one.is_median])
    is_additive = table["of"].isin([n for n, one in enumerate(members) if one.is_additive])
    ratio = table["numerator"] / table["denominator"].where(table["denominator"] != 0)
    is_unknown = is_additive & (table["n_included"] == 0) & (table["n_unknown"] > 0)
    value = ratio.mask(is_additive, table["numerator"]).mask(is_median, table["median"])
    population = table["n_included"] + table["n_excluded"]
    is_partial = 10 * table["n_unknown_then"] > population
    is_untold = is_unknown | is_partial
    return table.assign(
        value=value.mask(is_untold),
        numerator=table["numerator"].mask(is_median | is_untold),
        denominator=table["denominator"].mask(is_median | is_additive),
    )


def _velocity(values: pd.DataFrame) -> pd.DataFrame:
    """sales_velocity, from the cells of its factors: 0 by 0 where one of them has no value."""

    def factor(metric: str) -> pd.DataFrame:
        mine = values[(values["metric"] == metric) & (values["variant"] == "default")]
        return mine.set_index(["period_grain", "period_start", "dimension", "dimension_key"])

    rate, size, cycle = factor("win_rate"), factor("average_deal_size"), factor("sales_cycle_days")
    frame = rate.copy()
    won = rate["numerator"] * size["value"].reindex(rate.index)
    days = cycle["value"].reindex(rate.index)
    frame["numerator"], frame["denominator"] = (
        won.where(days.notna(), 0),
        days.where(won.notna(), 0),
    )
    frame = frame.fillna({"numerator": 0, "denominator": 0})
    frame["value"] = frame["numerator"] / frame["denominator"].where(frame["denominator"] != 0)
    return frame.reset_index().assign(metric="sales_velocity", unit="money per day of cycle")


def _labels(records: Records, now: pd.Timestamp, values: pd.DataFrame) -> pd.Series:
    names = dict(records["users"][["source_id", "name"]].itertuples(index=False))
    begun = existing(records, "campaigns", now, "started_on")
    campaigns = dict(begun[["source_id", "name"]].itertuples(index=False))
    of = {"rep": names, "manager": names, "campaign": campaigns}
    keys = zip(values["dimension"], values["dimension_key"], strict=True)
    return pd.Series([of.get(cut, {}).get(key, key) for cut, key in keys], dtype=object)


def _exclusions(members: Members) -> pd.DataFrame:
    out = members.frame[members.frame["reason"].notna()]
    if members.months:
        out = out[out["month"].isin(members.months)]
    entity = out["entity"].fillna(members.entity) if "entity" in out else members.entity
    return pd.DataFrame(
        {
            "metric": members.metric, "variant": members.variant, "entity": entity,
            "entity_id": out["id"].astype(str), "reason": out["reason"],
        }
    )  # fmt: skip
