"""What the records of `kpi_members` come to by several cuts at once, reckoned by pandas.

It follows the words of the columns of `kpi_members` and `kpi_variants`, and no code of the project.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

NOT_KNOWN = (
    "no_rate", "no_history", "no_usual", "no_probability", "unknown_status", "no_ended_at",
    "no_paid_at",
)  # fmt: skip
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Members:
    """The members of a publication, whose fiscal year begins in a month; `as_of` is its present."""

    connection: duckdb.DuckDBPyConnection
    year_begins_in: int
    as_of: dt.date

    def values(
        self, metric: str, grain: str, cuts: Sequence[str], variant: str = "default"
    ) -> pd.DataFrame:
        """Value, n_included and n_excluded by period_start and the keys of the cuts."""
        if metric == "sales_velocity":
            return self._velocity(grain, cuts)
        rule = self._rows(
            "select * from marts.kpi_variants where metric = ? and variant = ?", metric, variant
        )
        [rule] = rule.to_dict("records")
        rows = self._rows(
            f"""select period_on, counts_in, side is null as is_record, exclusion_reason,
                cast(numerator as double) as numerator, cast(denominator as double) as denominator,
                {", ".join(f'"{cut}"' for cut in cuts)}
            from marts.kpi_members where metric = ? and variant = ?""",
            metric,
            variant,
        ).dropna(subset=list(cuts))
        counts = rows["counts_in"].isna() | rows["counts_in"].fillna("").str.split().map(
            lambda grains: grain in grains
        ).astype(bool)
        rows = rows[counts]
        if grain != "all":
            rows = rows[rows["period_on"].notna()]
        rows = rows.assign(period_start=self._starts(rows["period_on"], grain))
        if rule["state"] == "end" and grain != "week":
            rows = rows[self._is_of_the_last_month(rows["period_on"], grain)]
        return self._summed(rows, rule, ["period_start", *cuts])

    def _summed(self, rows: pd.DataFrame, rule: dict, by: list[str]) -> pd.DataFrame:
        is_in = rows["exclusion_reason"].isna()
        rows = rows.assign(
            numerator=rows["numerator"].where(is_in),
            denominator=rows["denominator"].where(is_in),
            n_included=is_in & rows["is_record"],
            n_excluded=~is_in & rows["is_record"],
            n_unknown=rows["is_record"] & rows["exclusion_reason"].isin(NOT_KNOWN),
            last=pd.to_datetime(rows["period_on"]),
        )
        cells = rows.groupby(by, dropna=False)
        sums = cells[["numerator", "denominator", "n_included", "n_excluded", "n_unknown"]].sum()
        if rule["kind"] == "median":
            sums["value"] = cells["numerator"].median()
            return sums[["value", "n_included", "n_excluded"]].reset_index()
        over = cells["last"].max() < pd.Timestamp(self.as_of.replace(day=1))
        few = 10 * sums["n_unknown"] > sums["n_included"] + sums["n_excluded"]
        unknown = few & {"beginning": True, "end": over}.get(rule["state"], False)
        if rule["kind"] == "sum":
            unknown |= (sums["n_included"] == 0) & (sums["n_unknown"] > 0)
            value = sums["numerator"]
        else:
            least = rule["least_denominator"]
            below = sums["denominator"].clip(lower=None if pd.isna(least) else float(least))
            value = sums["numerator"] / below.replace(0, np.nan)
        sums["value"] = value.mask(unknown)
        return sums[["value", "n_included", "n_excluded"]].reset_index()

    def _velocity(self, grain: str, cuts: Sequence[str]) -> pd.DataFrame:
        """Deals closed × win rate × average deal size / sales cycle, of whatever has a win rate."""
        by = ["period_start", *cuts]
        rate = self.values("win_rate", grain, cuts)
        size = self.values("average_deal_size", grain, cuts)
        cycle = self.values("sales_cycle_days", grain, cuts)
        all_of = rate.merge(size, "left", by, suffixes=("", "_size"))
        all_of = all_of.merge(cycle, "left", by, suffixes=("", "_cycle"))
        closed = all_of["n_included"]
        value = (
            closed
            * all_of["value"]
            * all_of["value_size"]
            / all_of["value_cycle"].replace(0, np.nan)
        )
        return all_of.assign(value=value)[[*by, "value", "n_included", "n_excluded"]]

    def _starts(self, days: pd.Series, grain: str) -> pd.Series:
        """The first day of the period of each day."""
        days = pd.to_datetime(days)
        if grain == "all":
            return pd.Series(pd.NaT, index=days.index)
        if grain == "week":
            return days - pd.to_timedelta(days.dt.weekday, unit="D")
        month = days.dt.year * 12 + days.dt.month - self.year_begins_in
        start = month // MONTHS[grain] * MONTHS[grain] + self.year_begins_in - 1
        return pd.to_datetime(
            {"year": start // 12, "month": start % 12 + 1, "day": 1}, errors="coerce"
        )

    def _is_of_the_last_month(self, days: pd.Series, grain: str) -> pd.Series:
        """Whether a state of a month's end is that of its period: the last month's, or today's."""
        today = pd.Timestamp(self.as_of.replace(day=1))
        month = self._starts(days, "month")
        is_now = month == today
        if grain == "all":
            return is_now
        after = self._starts(month + pd.DateOffset(months=1), grain)
        return is_now | (after != self._starts(month, grain))

    def _rows(self, sql: str, *parameters: object) -> pd.DataFrame:
        return self.connection.execute(sql, list(parameters)).df()
