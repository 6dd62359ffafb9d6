"""The tall table of the truth: populations in, one row per metric, period and cut out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .world_store import Array

GRAINS = ("month", "quarter", "year", "all")
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
    integer code per cut (-1: none); `labels` turns codes of a cut into dimension keys.
    """

    fiscal_year_start_month: int
    labels: dict[str, Callable[[Array], Array]]
    cells: list[pd.DataFrame] = field(default_factory=list)

    def period(self, month: Array, grain: str) -> Array:
        """First month of the fiscal period of each month (0 for the grain all)."""
        month = np.asarray(month, np.int64)
        shift = self.fiscal_year_start_month - 1
        if grain == "all":
            return np.zeros(len(month), np.int64)
        size = {"month": 1, "quarter": 3, "year": 12}[grain]
        return month - (month - shift) % size

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
        variant: str = "default",
        per: tuple[int, int] = (1, 1),
        statistic: str = "ratio",
        grains: Sequence[str] = GRAINS,
        once_per: Any = None,
    ) -> None:
        """Cells of one metric.

        `numerator` and `denominator` are sums over the included members, divided by `per` (100
        for cents). Without a denominator the metric is additive. `statistic` median takes the
        median of `numerator`. `once_per` names the unit that counts once per period: its first row.
        """
        counted = np.broadcast_to(np.asarray(included, bool), len(members))
        frame = pd.DataFrame(
            {
                "numerator": np.where(counted, numerator, 0),
                "denominator": np.where(counted, 1 if denominator is None else denominator, 0),
                "n_included": counted.astype(np.int64),
                "n_excluded": (~counted).astype(np.int64),
            }
        )
        for grain in grains:
            period = self.period(members["month"].to_numpy(), grain)
            kept = np.ones(len(frame), bool)
            if once_per is not None:
                unit_period = pd.DataFrame({"unit": once_per, "period": period})
                kept = ~unit_period.duplicated().to_numpy()
            for cut in ("company", *cuts):
                code = np.zeros(len(frame), np.int64) if cut == "company" else members[cut]
                keys = [period[kept], np.asarray(code)[kept]]
                cells = frame[kept].groupby(keys, sort=False).sum()
                if statistic == "median":
                    chosen = kept & counted
                    keys = [period[chosen], np.asarray(code)[chosen]]
                    median = frame["numerator"][chosen].groupby(keys, sort=False).median()
                    cells["value"] = median.reindex(cells.index) / per[0]
                    cells["numerator"] = cells["denominator"] = np.nan
                else:
                    _divide(cells, denominator is None, per)
                self.keep(cells, metric, variant, unit, grain, cut)

    def keep(
        self, cells: pd.DataFrame, metric: str, variant: str, unit: str, grain: str, cut: str
    ) -> None:
        """Add cells indexed by (period, code) that have their values already."""
        period = cells.index.get_level_values(0).to_numpy(dtype=np.int64)
        code = cells.index.get_level_values(1).to_numpy(dtype=np.int64)
        known = cells.assign(
            metric=metric,
            variant=variant,
            unit=unit,
            period_grain=grain,
            period_start=period_start(period, grain),
            dimension=cut,
            dimension_key=self.keys(cut, code),
        )
        self.cells.append(known[list(COLUMNS)].reset_index(drop=True))

    def keys(self, cut: str, code: Array) -> Array:
        """Dimension keys of the codes of a cut."""
        if cut == "company":
            return np.full(len(code), COMPANY_KEY, object)
        known = np.asarray(self.labels[cut](np.maximum(code, 0)), object)
        return np.where(code < 0, NO_KEY, known)

    def frame(self) -> pd.DataFrame:
        """All cells, in a fixed order."""
        cells = [part for part in self.cells if len(part)]
        if not cells:
            return pd.DataFrame(columns=list(COLUMNS))
        table = pd.concat(cells, ignore_index=True)
        order = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
        return table.sort_values(order, ignore_index=True)


def _divide(cells: pd.DataFrame, is_additive: bool, per: tuple[int, int]) -> None:
    cells["numerator"] = cells["numerator"] / per[0]
    if is_additive:
        cells["value"], cells["denominator"] = cells["numerator"], np.nan
        return
    cells["denominator"] = cells["denominator"] / per[1]
    cells["value"] = cells["numerator"] / cells["denominator"].where(cells["denominator"] != 0)


def period_start(month: Array, grain: str) -> pd.Series | None:
    """First day of periods given by their first month; none for the grain all."""
    if grain == "all":
        return None
    years, months = month // 12, month % 12
    starts = [f"{year:04d}-{number + 1:02d}-01" for year, number in zip(years, months, strict=True)]
    return pd.Series(pd.to_datetime(starts)).dt.date.to_numpy()
