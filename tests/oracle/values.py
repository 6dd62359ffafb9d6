"""The rows of `kpi_values` and `kpi_exclusions` that a company's exports lead to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tests.oracle.members import Members, all_members
from tests.oracle.periods import GRAINS, period_start
from tests.oracle.quotas import quota_exclusions, quota_values
from tests.oracle.records import Records

KEY = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
NUMBERS = ["value", "numerator", "denominator", "n_included", "n_excluded"]


@dataclass(frozen=True)
class Expected:
    """`values`: KEY, unit, dimension_label, NUMBERS. `exclusions`: as in kpi_exclusions."""

    values: pd.DataFrame
    exclusions: pd.DataFrame


def expected(records: Records, as_of: pd.Timestamp | None = None) -> Expected:
    """All metrics as of a UTC moment (default: the company's own)."""
    now = records.as_of if as_of is None else as_of
    members = list(all_members(records, now))
    values = pd.concat([_rollup(records, now, one) for one in members], ignore_index=True)
    values = pd.concat([values, _velocity(values)], ignore_index=True)
    values = pd.concat([values, quota_values(records, now, members)], ignore_index=True)
    values["dimension_label"] = _labels(records, values)
    exclusions = pd.concat(
        [*(_exclusions(one) for one in members), quota_exclusions(records, now, members)],
        ignore_index=True,
    )
    of_rate = (exclusions["metric"] == "win_rate") & (exclusions["variant"] == "default")
    exclusions = pd.concat([exclusions, exclusions[of_rate].assign(metric="sales_velocity")])
    exclusions["entity_key"] = [
        hashlib.md5(f"files|{records.instance}|{id}".encode()).hexdigest()
        for id in exclusions["entity_id"]
    ]
    return Expected(
        values.sort_values(KEY, ignore_index=True), exclusions.drop_duplicates(ignore_index=True)
    )


def _rollup(records: Records, now: pd.Timestamp, members: Members) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    this_month = records.local(pd.Series([now]))[0].to_period("M")
    fiscal = records.fiscal_year_start_month
    for grain in GRAINS:
        frame = members.frame
        months: Iterable[pd.Period] = members.months
        if members.months:
            months = [m for m in months if _is_end(m, this_month, grain, fiscal)]
            frame = frame[frame["month"].isin(months)]
        if grain != "all":
            frame = frame[frame["month"].notna()]
        starts = frame["month"].map(lambda m, g=grain: "" if pd.isna(m) else period_start(m, g, fiscal))
        frame = frame.assign(period_start=starts.astype(object))
        for cut in ("company", *members.cuts):
            keys = pd.Series("all", frame.index) if cut == "company" else frame[cut]
            for (start, key), group in frame.groupby(["period_start", keys], sort=False):
                rows.append(_cell(members, group) | _key(members, grain, start, cut, key))
        empty = {period_start(m, grain, fiscal) for m in months} - set(frame["period_start"])
        for start in empty:
            rows.append(_cell(members, frame[:0]) | _key(members, grain, start, "company", "all"))
    return pd.DataFrame(rows)


def _is_end(month: pd.Period, this_month: pd.Period, grain: str, fiscal: int) -> bool:
    """Whether the state at the end of a month is that of the longer period."""
    if grain == "all" or month == this_month:
        return month == this_month
    return period_start(month, grain, fiscal) != period_start(month + 1, grain, fiscal)


def _key(members: Members, grain: str, start: str, cut: str, key: str) -> dict[str, object]:
    return {
        "metric": members.metric, "variant": members.variant, "unit": members.unit,
        "period_grain": grain, "period_start": start, "dimension": cut, "dimension_key": key,
    }  # fmt: skip


def _cell(members: Members, group: pd.DataFrame) -> Mapping[str, object]:
    included = group[group["reason"].isna()]
    counts = {"n_included": len(included), "n_excluded": len(group) - len(included)}
    if members.is_median:
        median = included["numerator"].astype(float).median() if len(included) else np.nan
        return counts | {"value": median, "numerator": np.nan, "denominator": np.nan}
    numerator = float(sum(included["numerator"]))
    is_additive = group["denominator"].isna().all() if len(group) else True
    if is_additive:
        return counts | {"value": numerator, "numerator": numerator, "denominator": np.nan}
    denominator = float(sum(included["denominator"]))
    value = numerator / denominator if denominator else np.nan
    return counts | {"value": value, "numerator": numerator, "denominator": denominator}


def _velocity(values: pd.DataFrame) -> pd.DataFrame:
    """sales_velocity, from the cells of its factors."""

    def factor(metric: str) -> pd.DataFrame:
        mine = values[(values["metric"] == metric) & (values["variant"] == "default")]
        return mine.set_index(["period_grain", "period_start", "dimension", "dimension_key"])

    rate, size, cycle = factor("win_rate"), factor("average_deal_size"), factor("sales_cycle_days")
    frame = rate.copy()
    frame["numerator"] = rate["numerator"] * size["value"].reindex(rate.index)
    frame["denominator"] = cycle["value"].reindex(rate.index)
    frame["value"] = frame["numerator"] / frame["denominator"].where(frame["denominator"] != 0)
    return frame.reset_index().assign(metric="sales_velocity", unit="money per day")


def _labels(records: Records, values: pd.DataFrame) -> pd.Series:
    names = dict(records["users"][["source_id", "name"]].itertuples(index=False))
    campaigns = dict(records["campaigns"].itertuples(index=False))
    of = {"rep": names, "manager": names, "campaign": campaigns}
    keys = zip(values["dimension"], values["dimension_key"], strict=True)
    return pd.Series([of.get(cut, {}).get(key, key) for cut, key in keys], dtype=object)


def _exclusions(members: Members) -> pd.DataFrame:
    out = members.frame[members.frame["reason"].notna()]
    if members.months:
        out = out[out["month"].isin(members.months)]
    return pd.DataFrame(
        {
            "metric": members.metric, "variant": members.variant, "entity": members.entity,
            "entity_id": out["id"].astype(str), "reason": out["reason"],
        }
    )  # fmt: skip

