"""What there is to talk about with reps: worked out anew, with pandas and scipy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from scipy import stats

WINDOW = 6
LEVEL = 0.05
SHARES = {
    "win_rate": ("default", "up"),
    "lead_conversion_rate": ("to_opportunity", "up"),
    "lead_response_hours": ("within_24h", "up"),
    "inquiry_response_hours": ("within_24h", "up"),
    "slippage_rate": ("default", "down"),
}
LEVELS = {
    "revenue_won": True,
    "pipeline_created": True,
    "activities": True,
    "average_deal_size": False,
    "sales_cycle_days": False,
    "follow_up_gap_days": False,
}
"""The metrics that are looked at month by month, and whether they add up."""

Sql = Callable[[str], pd.DataFrame]


@dataclass(frozen=True)
class Talks:
    """Queries on the file for all and on that of people, of one publication."""

    marts: Sql
    people: Sql

    @cached_property
    def published(self) -> pd.DataFrame:
        """The talks as they are published, by rep, month and rank."""
        rows = self.people("select * from marts.mart_one_on_one order by rep_id, month_start, rank")
        return rows.assign(month=months(rows["month_start"]))

    @cached_property
    def scorecard(self) -> pd.DataFrame:
        """The scorecard, its months as numbers."""
        rows = self.people("select * from marts.mart_rep_scorecard where is_active")
        return rows.assign(month=months(rows["month_start"]))

    @cached_property
    def now(self) -> int:
        """The current month."""
        day = self.marts("select max(as_of) as at from marts.kpi_values")["at"]
        return int(months(day).iloc[0])

    @cached_property
    def staff(self) -> pd.DataFrame:
        """Who was here in which month, as what."""
        reps = self.marts("select rep_id, segment from marts.dim_rep")
        here = self.scorecard[["rep_id", "month", "role", "tenure_band"]].drop_duplicates()
        merged = here.merge(reps, on="rep_id", how="left")
        return merged.assign(segment=merged["segment"].fillna("(none)"))

    @cached_property
    def worth(self) -> dict[str, float]:
        """The company's usual numbers."""
        rows = self.marts(
            "select metric, value from marts.kpi_values where dimension = 'company' "
            "and period_grain = 'all' and variant = 'default'"
        )
        return dict(zip(rows["metric"], rows["value"], strict=True))

    @cached_property
    def compared(self) -> pd.DataFrame:
        """Every comparison of every talk, with the corrected chances both ways."""
        found = pd.DataFrame([*self._shares(), *self._months()])
        tests = found.groupby(["rep_id", "month"])["metric"].transform("size")
        for way in ("worse", "better"):
            found[f"chance_{way}"] = found[f"p_{way}"] * tests
        return found

    @cached_property
    def topics(self) -> pd.DataFrame:
        """Differences beyond chance, and quotas."""
        found = []
        for kind, way in (("discuss", "worse"), ("celebrate", "better")):
            beyond = self.compared[self.compared[f"chance_{way}"] < LEVEL]
            found.append(beyond.assign(kind=kind, chance=beyond[f"chance_{way}"]))
        return pd.concat([*found, pd.DataFrame([*self._quotas()])], ignore_index=True)

    def _shares(self) -> Iterator[dict[str, Any]]:
        for metric, (variant, better) in SHARES.items():
            counts = self.marts(
                f"""select rep as rep_id, period_on, numerator, denominator from marts.kpi_members
                where metric = '{metric}' and variant = '{variant}' and exclusion_reason is null
                and rep is not null and (counts_in is null or counts_in like '%month%')"""
            ).dropna(subset=["period_on"])
            counts = counts.astype({"numerator": float, "denominator": float}).fillna(0.0)
            by_month = counts.assign(month=months(counts["period_on"])).groupby(
                ["rep_id", "month"]
            )[["numerator", "denominator"]]
            yield from self._beside_peers(metric, better, by_month.sum().reset_index())

    def _beside_peers(
        self, metric: str, better: str, counts: pd.DataFrame
    ) -> Iterator[dict[str, Any]]:
        here = self.staff.merge(counts, on=["rep_id", "month"], how="left").fillna(
            {"numerator": 0.0, "denominator": 0.0}
        )
        for month in range(self.now - 11, self.now + 1):
            window = here[here["month"].between(month - WINDOW + 1, month)]
            sums = window.groupby("rep_id")[["numerator", "denominator"]].sum()
            present = here[here["month"] == month].set_index("rep_id")
            present = present.drop(columns=["numerator", "denominator"]).join(sums)
            enough = present[(present["role"] != "manager") & (present["denominator"] >= 10)]
            for rep, own in enough.iterrows():
                others = enough.drop(rep)
                peers = others[others["role"] == own["role"]]
                near = peers[
                    (peers["segment"] == own["segment"])
                    & (peers["tenure_band"] == own["tenure_band"])
                ]
                peers = near if len(near) >= 3 else peers
                if len(peers) < 3:
                    continue
                won, tried = own["numerator"], own["denominator"]
                others_won, others_tried = peers["numerator"].sum(), peers["denominator"].sum()
                above, below = sides(won, tried, others_won, others_tried)
                value, comparison = won / tried, others_won / others_tried
                yield {
                    "rep_id": rep,
                    "month": month,
                    "basis": "share",
                    "metric": metric,
                    "value": value,
                    "comparison": comparison,
                    "n": tried,
                    "p_worse": below if better == "up" else above,
                    "p_better": above if better == "up" else below,
                    "money": self._money(metric, "share") * abs(value - comparison) * tried,
                }

    def _months(self) -> Iterator[dict[str, Any]]:
        rows = self.scorecard
        rows = rows[(rows["variant"] == "default") & rows["metric"].isin(LEVELS)]
        for (rep, metric), own in rows.groupby(["rep_id", "metric"]):
            of_month = own.set_index("month").sort_index()
            for month in set(of_month.index) & set(range(self.now - 11, self.now + 1)):
                better = of_month["better"].iloc[0]
                both = {"rep_id": rep, "month": month, "metric": metric}
                window = of_month.loc[month - WINDOW + 1 : month]
                window = window[window["is_enough_data"] & window["peer_median"].notna()]
                if LEVELS[metric]:
                    window = window[window.index < self.now]
                differences = window["value"] - window["peer_median"]
                if len(window) >= 4 and differences.std() > 0:
                    above = stats.ttest_1samp(differences, 0, alternative="greater").pvalue
                    own_mean, months = window["value"].mean(), len(window)
                    margin = stats.t.ppf(0.975, months - 1) * window["value"].std() / months**0.5
                    yield both | {
                        "basis": "level",
                        "value": own_mean,
                        "low": max(own_mean - margin, min(window["value"].min(), 0)),
                        "high": own_mean + margin,
                        "comparison": window["peer_median"].mean(),
                        "n": window["n_included"].sum(),
                        "p_worse": 1 - above if better == "up" else above,
                        "p_better": above if better == "up" else 1 - above,
                        "money": self._money(metric, "level")
                        * abs(differences.mean())
                        * len(window),
                    }
                last = of_month.loc[month]
                if pd.notna(last["trend_high"]) and last["trend_high"] > last["trend"]:
                    degrees = last["trend_months"] - 2
                    error = (last["trend_high"] - last["trend"]) / stats.t.ppf(0.975, degrees)
                    above = stats.t.sf(last["trend"] / error, degrees)
                    yield both | {
                        "basis": "trend",
                        "value": last["trend"],
                        "comparison": 0.0,
                        "n": last["trend_months"],
                        "p_worse": 1 - above if better == "up" else above,
                        "p_better": above if better == "up" else 1 - above,
                        "money": float("nan"),
                    }

    def _quotas(self) -> Iterator[dict[str, Any]]:
        rows = self.marts(
            """select dimension_key as rep_id, period_start, numerator as won, denominator as quota
            from marts.kpi_values where metric = 'quota_attainment' and variant = 'default'
            and dimension = 'rep' and period_grain = 'month' and denominator > 0"""
        ).astype({"won": float, "quota": float})
        rows = rows.assign(month=months(rows["period_start"]))
        rows = rows[rows["month"] < self.now].merge(self.staff, on=["rep_id", "month"])
        for rep, month in self.staff[["rep_id", "month"]].itertuples(index=False):
            own = rows[(rows["rep_id"] == rep) & rows["month"].between(month - WINDOW + 1, month)]
            if len(own) < 4 or not self.now - 11 <= month <= self.now:
                continue
            won, quota = own["won"].sum(), own["quota"].sum()
            yield {
                "rep_id": rep,
                "month": month,
                "basis": "quota",
                "metric": "quota_attainment",
                "kind": "discuss" if won < quota else "celebrate",
                "value": won / quota,
                "comparison": 1.0,
                "money": abs(quota - won),
            }

    def _money(self, metric: str, basis: str) -> float:
        worth = self.worth
        size = worth.get("average_deal_size", float("nan"))
        return {
            ("win_rate", "share"): size,
            ("lead_conversion_rate", "share"): size * worth.get("win_rate", float("nan")),
            ("lead_response_hours", "share"): size
            * worth.get("lead_conversion_rate", float("nan")),
            ("pipeline_created", "level"): worth.get("win_rate", float("nan")),
            ("revenue_won", "level"): 1.0,
        }.get((metric, basis), float("nan"))


def months(days: pd.Series) -> pd.Series:
    """Months as numbers, one after the other."""
    moments = pd.to_datetime(days)
    return moments.dt.year * 12 + moments.dt.month


def sides(won: float, tried: float, others_won: float, others_tried: float) -> tuple[float, float]:
    """The chances of a share so far above, and below, another: chi squared with Yates' correction.

    That one is of the difference towards zero, whichever side it is on.
    """
    table = [[won, tried - won], [others_won, others_tried - others_won]]
    if min(won + others_won, tried + others_tried - won - others_won) == 0:
        return float("nan"), float("nan")
    difference = won / tried - others_won / others_tried
    correction = (1 / tried + 1 / others_tried) / 2
    if abs(difference) <= correction:
        return 0.5, 0.5
    half = stats.chi2_contingency(table, correction=True).pvalue / 2
    return (half, 1 - half) if difference > 0 else (1 - half, half)
