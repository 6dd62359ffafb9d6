"""The tall table of the truth: populations in, one row per metric, period and cut out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.store import Array

GRAINS = ("month", "quarter", "year", "all")
WEEK = "week"
COLUMNS = (
    "metric", "variant", "unit", "period_grain", "period_start", "dimension", "dimension_key",
    "value", "numerator", "denominator", "n_included", "n_excluded",
)  # fmt: skip
NO_KEY = "(none)"
COMPANY_KEY = "all"


@dataclass
class Tall:
    """Collects the cells of every metric.

    Members of a population come as a frame with a `month` (months since year 0, local) and one
    integer code per cut (-1: none); `labels` turns codes of a cut into dimension keys. Members
    with `is_alive` false (deleted, merged) belong to the population but are excluded.
    """

    fiscal_year_start_month: int
    labels: dict[str, Callable[[Array], Array]]
    cells: list[tuple[tuple[str, ...], dict[str, Array]]] = field(default_factory=list)

    def period(self, month: Array, grain: str) -> Array:
        """First month of the fiscal period of each month (0 for the grain all)."""
        month = np.asarray(month, np.int64)
        shift = self.fiscal_year_start_month - 1
        if grain == "all":
            return np.zeros(len(month), np.int64)
        size = {"month": 1, "quarter": 3, "year": 12}[grain]
        return month - (month - shift) % size

    def periods(self, members: pd.DataFrame, grain: str) -> Array:
        """The period of each member: of a week (ISO) its first day, else its first month."""
        if grain == WEEK:
            day = members["day"].to_numpy(np.int64)
            return day - (day + 3) % 7
        return self.period(members["month"].to_numpy(), grain)

    def add(
        self,
        metric: str,
        members: pd.DataFrame,
        cuts: Sequence[str],
        *,
        unit: str,
        numerator: Any,
        denominator: Any = None,
        included: Any = True,
        unknown: Any = False,
        variant: str = "default",
        per: tuple[int, int] = (1, 1),
        statistic: str = "ratio",
        grains: Sequence[str] = GRAINS,
        once_per: Any = None,
        always: Sequence[int] = (),
        day: Any = None,
    ) -> None:
        """Cells of one metric.

        `numerator` and `denominator` are sums over the included members, divided by `per` (100
        for cents). Without a denominator the metric is additive: NULL where nothing is included and
        something excluded because its value is `unknown`. `statistic` median takes the
        median of `numerator`. `once_per` names the unit that counts once per period: its first row.
        `always` lists periods, by first month, that the company has even without members. With the
        local `day` of each member there are weeks, too.
        """
        if day is not None:
            members = members.assign(day=np.asarray(day, np.int64))
            grains = (WEEK, *grains)
        counted = np.broadcast_to(np.asarray(included, bool), len(members))
        if "is_alive" in members:
            counted = counted & members["is_alive"].to_numpy()
        unsure = ~counted & np.broadcast_to(np.asarray(unknown, bool), len(members))
        above = np.broadcast_to(np.asarray(numerator, np.float64), len(members))
        below = np.broadcast_to(np.asarray(1 if denominator is None else denominator), len(members))
        for grain in grains:
            period = self.periods(members, grain)
            kept = np.ones(len(members), bool)
            if once_per is not None:
                kept = ~pd.DataFrame({"unit": once_per, "period": period}).duplicated().to_numpy()
            use, leave = kept & counted, kept & ~counted
            for cut in ("company", *cuts):
                code = np.zeros(len(members), np.int64) if cut == "company" else members[cut]
                due = np.asarray(always if cut == "company" else (), np.int64)
                cell_of, period_of, code_of = _cells(period, np.asarray(code, np.int64), kept, due)
                size = len(period_of)
                sums: dict[str, Array] = {
                    "n_included": np.bincount(cell_of[use], minlength=size),
                    "n_excluded": np.bincount(cell_of[leave], minlength=size),
                }
                if statistic == "median":
                    middle = pd.Series(above[use]).groupby(cell_of[use]).median()
                    sums["value"] = middle.reindex(np.arange(size)).to_numpy() / per[0]
                    sums["numerator"] = sums["denominator"] = np.full(size, np.nan)
                else:
                    total = np.bincount(cell_of[use], above[use], size) / per[0]
                    parts = np.bincount(cell_of[use], below[use], size) / per[1]
                    is_additive = denominator is None
                    doubts = np.bincount(cell_of[kept & unsure], minlength=size)
                    if is_additive:
                        total = np.where((sums["n_included"] == 0) & (doubts > 0), np.nan, total)
                    sums["numerator"] = total
                    sums["denominator"] = np.full(size, np.nan) if is_additive else parts
                    sums["value"] = total if is_additive else ratio(total, parts)
                self.keep(metric, variant, unit, grain, cut, period_of, code_of, sums)

    def add_quotient(
        self,
        metric: str,
        above: pd.DataFrame,
        below: pd.DataFrame,
        cuts: Sequence[str],
        *,
        unit: str,
        variant: str = "default",
        grains: Sequence[str] = GRAINS,
        whole: bool = True,
    ) -> None:
        """Cells of a metric that sets the `amount` of one population against that of another.

        A cell appears where either has a member. Included and excluded (`is_alive` false) are the
        members of `below`. Of weeks, members have a local `day`. Without the `whole` there are only
        parts, and no cell of the company.
        """
        alive = np.ones(len(below), bool)
        if "is_alive" in below:
            alive = below["is_alive"].to_numpy(bool)
        for grain in grains:
            periods = [self.periods(side, grain) for side in (above, below)]
            period = np.concatenate(periods)
            for cut in (*(("company",) if whole else ()), *cuts):
                codes = [side[cut].to_numpy() for side in (above, below) if cut != "company"]
                code = np.concatenate(codes) if codes else np.zeros(len(period), np.int64)
                cell_of, period_of, code_of = _cells(period, code, np.ones(len(period), bool))
                over, under = cell_of[: len(above)], cell_of[len(above) :]
                size = len(period_of)
                sums: dict[str, Array] = {
                    "n_included": np.bincount(under[alive], minlength=size),
                    "n_excluded": np.bincount(under[~alive], minlength=size),
                    "numerator": np.bincount(over, above["amount"], size),
                    "denominator": np.bincount(under[alive], below["amount"][alive], size),
                }
                sums["value"] = ratio(sums["numerator"], sums["denominator"])
                self.keep(metric, variant, unit, grain, cut, period_of, code_of, sums)

    def keep(
        self,
        metric: str,
        variant: str,
        unit: str,
        grain: str,
        cut: str,
        period: Array,
        code: Array,
        sums: dict[str, Array],
    ) -> None:
        """Add cells of a metric that have their values already, by first month and code of cut."""
        self.cells.append(((metric, variant, unit, grain, cut), {"p": period, "c": code, **sums}))

    def keys(self, cut: str, code: Array) -> Array:
        """Dimension keys of the codes of a cut."""
        if cut == "company":
            return np.full(len(code), COMPANY_KEY, object)
        known = np.asarray(self.labels[cut](np.maximum(code, 0)), object)
        return np.where(code < 0, NO_KEY, known)

    def frame(self) -> pd.DataFrame:
        """All cells, in a fixed order."""
        cells = [(names, sums) for names, sums in self.cells if len(sums["p"])]
        if not cells:
            return pd.DataFrame(columns=list(COLUMNS))
        sizes = [len(sums["p"]) for _, sums in cells]
        names = np.repeat(np.array([names for names, _ in cells], object), sizes, axis=0)
        labels = ("metric", "variant", "unit", "period_grain", "dimension")
        columns = dict(zip(labels, names.T, strict=True))
        joined = {name: np.concatenate([sums[name] for _, sums in cells]) for name in cells[0][1]}
        columns["period_start"] = _starts(joined.pop("p"), columns["period_grain"] == WEEK)
        columns["period_start"][columns["period_grain"] == "all"] = None
        code, keys = joined.pop("c"), np.empty(sum(sizes), object)
        for cut in np.unique(columns["dimension"]):
            rows = columns["dimension"] == cut
            keys[rows] = self.keys(cut, code[rows])
        table = pd.DataFrame({**columns, **joined, "dimension_key": keys})[list(COLUMNS)]
        order = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
        return table.sort_values(order, ignore_index=True)


def _cells(
    period: Array, code: Array, kept: Array, due: Array | None = None
) -> tuple[Array, Array, Array]:
    """The cell of each member, and period and code of each cell that a kept member is in.

    Periods `due` have a cell of code 0 in any case.
    """
    span = int(code.max(initial=0)) + 2
    key = period * span + code + 1
    known = np.unique(key[kept])
    if due is not None:
        known = np.union1d(known, due * span + 1)
    return np.searchsorted(known, key), known // span, known % span - 1


def ratio(numerator: Array, denominator: Array) -> Array:
    """Quotients; NaN where the denominator is 0."""
    return numerator / np.where(denominator == 0, np.nan, denominator)


def _starts(period: Array, is_week: Array) -> Array:
    """First day, as a date, of periods: weeks by the day itself, others by their first month."""
    starts = first_days(np.where(is_week, 0, period))
    weeks = period[is_week].astype("datetime64[D]").astype(object)
    starts[is_week] = weeks
    return starts


def first_days(month: Array) -> Array:
    """First day, as a date, of months counted from year 0."""
    known, position = np.unique(month, return_inverse=True)
    days = [date(max(int(m) // 12, 1), int(m) % 12 + 1, 1) for m in known]
    return np.array(days, object)[position]
