"""What the scorecard must hold: pandas and scipy, one row after the other, from published KPIs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from scipy import stats

Read = Callable[[str], pd.DataFrame]
Key = tuple[str, dt.date, str, str]
NAN = float("nan")
ENOUGH_RECORDS, ENOUGH_PEERS, TREND_FROM = 10, 3, 4
OF_TARGETS_AND_TIME = {"quota_attainment", "pipeline_coverage"}
"""Metrics whose records are no sample."""
GROWING = {"quota_attainment", "reps_at_quota", "sales_velocity"}
MATURING = {"stage_conversion_rate", "lead_conversion_rate"}


@dataclass(frozen=True)
class Book:
    """What is published of a company, its today, and the day by which what has ended is over.

    At the last moment of a day the day is over.
    """

    read: Read
    today: dt.date
    over_by: dt.date

    @classmethod
    def of(cls, read: Read, timezone: str) -> Book:
        """The book of a company whose days are those of a time zone."""
        as_of = read("select max(as_of) as moment from marts.kpi_values")["moment"].iloc[0]
        today, over_by = (
            moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).date()
            for moment in (
                as_of.to_pydatetime(),
                as_of.to_pydatetime() + dt.timedelta(microseconds=1),
            )
        )
        return cls(read, today, over_by)

    def months(self) -> dict[tuple[str, dt.date], dict[str, Any]]:
        """What each person was in each month in which they worked here."""
        people = self.read("select * from marts.dim_rep")
        described = set(self.read("select source_id from intermediate.int_people")["source_id"])
        records = self.read(
            """select rep_id, occurred_on as first_on, occurred_on as last_on
            from marts.fct_activities where has_happened
            union all
            select rep_id, created_on, greatest(created_on, closed_on)
            from marts.fct_opportunities where removal is null"""
        )
        own = {
            rep: (_day(rows["first_on"].min()), _day(rows["last_on"].max()))
            for rep, rows in records.dropna(subset=["rep_id"]).groupby("rep_id")
        }
        done = self.read(
            """select rep_id, min(occurred_on) as day from marts.fct_activities
            where has_happened and rep_id is not null group by rep_id"""
        ).set_index("rep_id")["day"]
        began = min((first for first, _ in own.values() if first), default=self.today)
        found = {}
        for person in people.to_dict("records"):
            first, last = own.get(person["rep_id"], (None, None))
            hired, left = _day(person["hired_on"]), _day(person["left_on"])
            role = _text(person["role"]) or ("rep" if first or last else None)
            acted = _day(done.get(person["rep_id"]))
            start = min(hired, acted or hired) if hired else first
            if left and left <= self.today:
                end = left - dt.timedelta(days=1)
            elif not (left or person["is_active"]) or person["rep_id"] not in described:
                end = last
            else:
                end = self.today
            if role and start and end:
                for month in _months(max(start, began), min(end, self.today)):
                    found[person["rep_id"], month] = {
                        "role": role,
                        "segment": _text(person["segment"]) or "(none)",
                        "since": _since(hired, month),
                        "is_whole": self._is_whole(max(start, began), end, month),
                    }
        return found

    def _is_whole(self, start: dt.date, end: dt.date, month: dt.date) -> bool:
        days = [day for day in _days(month) if day <= self.today]
        return sum(start <= day <= end for day in days) >= 0.9 * len(days) - 1e-9

    def measures(self) -> pd.DataFrame:
        """Each person's values by month and metric, with all that a comparison asks for."""
        months = self.months()
        people = self.read("select * from marts.dim_rep").set_index("rep_id")
        variants = {
            (row["metric"], row["variant"]): row
            for row in self.read("select * from marts.kpi_variants").to_dict("records")
        }
        values = self.read(
            """select metric, variant, dimension_key, period_start, value, n_included
            from marts.kpi_values where period_grain = 'month' and dimension = 'rep'"""
        )
        told = {
            (row.dimension_key, row.period_start.date(), row.metric, row.variant): (
                row.value,
                row.n_included,
            )
            for row in values.itertuples()
            if row.dimension_key != "(none)" and row.period_start.date() <= self.today
        }
        intervals = self._intervals({key: variant["kind"] for key, variant in variants.items()})
        since: dict[tuple[str, str, str], dt.date] = {}
        for rep, month, metric, variant in told:
            if (rep, month) in months and variants[metric, variant]["kind"] == "sum":
                key = (months[rep, month]["role"], metric, variant)
                since[key] = min(month, since.get(key, month))
        rows = dict(told)
        for (rep, month), person in months.items():
            for (role, metric, variant), first in since.items():
                if role == person["role"] and month >= first:
                    rows.setdefault((rep, month, metric, variant), (0.0, 0))
        return pd.DataFrame(
            {
                "rep_id": rep,
                "month_start": month,
                "metric": metric,
                "variant": variant,
                "value": value,
                "n_included": n,
                **dict(
                    zip(
                        ("low", "high"),
                        intervals.get((rep, month, metric, variant), (NAN, NAN)),
                        strict=True,
                    )
                ),
                "role": months.get((rep, month), {}).get("role") or people["role"].get(rep),
                **self._compared(variants[metric, variant], months.get((rep, month)), month)(
                    value, n
                ),
            }
            for (rep, month, metric, variant), (value, n) in rows.items()
        )

    def _intervals(self, kinds: Mapping[tuple[str, str], str]) -> dict[Key, tuple[float, float]]:
        """The interval of each share, mean and median of a month, from scipy."""
        values = self.read(
            """select metric, variant, dimension_key, period_start, value, numerator, denominator,
                n_included
            from marts.kpi_values
            where period_grain = 'month' and dimension = 'rep' and value is not null"""
        )
        members = self.read(
            """select metric, variant, rep, period_on, numerator, denominator
            from marts.kpi_members
            where exclusion_reason is null and period_on is not null and rep is not null
                and (counts_in is null or counts_in like '%month%')"""
        ).astype({"numerator": float, "denominator": float})
        month = pd.to_datetime(members["period_on"]).dt.strftime("%Y-%m")
        records = dict(list(members.groupby([members["rep"], month, "metric", "variant"])))
        nobody = members.iloc[:0]
        return {
            (row.dimension_key, row.period_start.date(), row.metric, row.variant): _interval(
                kinds[row.metric, row.variant],
                row,
                records.get(
                    (row.dimension_key, f"{row.period_start:%Y-%m}", row.metric, row.variant),
                    nobody,
                ),
            )
            for row in values.itertuples()
        }

    def _compared(
        self, variant: Mapping[str, Any], person: Mapping[str, Any] | None, month: dt.date
    ) -> Callable[[float, int], dict[str, Any]]:
        """What follows from the metric, and from who the person was in the month."""
        metric, is_sum = variant["metric"], variant["kind"] == "sum"
        grows = metric in GROWING or (is_sum and not _text(variant["state"]))
        is_free = is_sum or metric in OF_TARGETS_AND_TIME or variant["variant"] == "per_rep_day"
        matures = metric in MATURING or (metric, variant["variant"]) == ("win_rate", "cohort")
        is_whole = person is not None and person["is_whole"]
        is_over = (month + dt.timedelta(days=32)).replace(day=1) <= self.over_by

        def compared(value: float, n: int) -> dict[str, Any]:
            was_here = is_whole and is_over if grows else person is not None or not is_free
            in_trend = not matures and (not grows or (is_whole and is_over))
            return {
                "is_enough_data": not np.isnan(value)
                and (is_free or n >= ENOUGH_RECORDS)
                and was_here,
                "is_over": is_over,
                "value_in_trend": value if in_trend else NAN,
                "is_peer": person is not None and person["role"] != "manager",
                "segment": person and person["segment"],
                "tenure_band": person and _band(person["since"]),
            }

        return compared


def scorecard(measures: pd.DataFrame) -> pd.DataFrame:
    """`mart_rep_scorecard` of measures, each row set beside all others in turn."""
    cells = {
        key: rows.to_dict("records")
        for key, rows in measures.groupby(["metric", "variant", "month_start"])
    }
    own = {
        key: {row["month_start"]: row for row in rows.to_dict("records")}
        for key, rows in measures.groupby(["rep_id", "metric", "variant"])
    }
    found = []
    for row in measures.to_dict("records"):
        history = own[row["rep_id"], row["metric"], row["variant"]]
        peers = cells[row["metric"], row["variant"], row["month_start"]]
        key = {name: row[name] for name in ("rep_id", "metric", "variant", "month_start")}
        found.append(key | _beside_own(history, row) | _beside_peers(peers, row))
    return pd.DataFrame(found)


def _beside_own(history: Mapping[dt.date, Mapping[str, Any]], row: Mapping[str, Any]) -> dict:
    months = [_earlier(row["month_start"], back) for back in range(7)]
    before = [history[month]["value"] for month in months[1:] if month in history]
    before = [value for value in before if not np.isnan(value)]
    points = [
        (-back, history[month]["value_in_trend"])
        for back, month in enumerate(months)
        if month in history and not np.isnan(history[month]["value_in_trend"])
    ]
    trend = margin = NAN
    if len(points) >= TREND_FROM:
        fit = stats.linregress([x for x, _ in points], [y for _, y in points])
        trend = float(fit.slope)
        # Of values that are all the same scipy knows no error.
        error = 0.0 if len({y for _, y in points}) == 1 else float(fit.stderr)
        margin = error * float(stats.t.ppf(0.975, len(points) - 2))
    return {
        "own_trailing_6m": float(np.mean(before)) if before else NAN,
        "trailing_months": len(before),
        "trend": trend,
        "trend_low": trend - margin,
        "trend_high": trend + margin,
        "trend_months": len(points),
    }


def _beside_peers(cell: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> dict:
    others = [
        other
        for other in cell
        if other["rep_id"] != row["rep_id"]
        and other["is_peer"]
        and other["is_enough_data"]
        and other["role"] == row["role"]
    ]
    near = [it for it in others if all(it[on] == row[on] for on in ("segment", "tenure_band"))]
    if not row["is_peer"]:
        near = others = []
    group, peers = next(
        (choice for choice in (("role, segment and tenure", near), ("role", others))
         if len(choice[1]) >= ENOUGH_PEERS),
        (None, others),
    )  # fmt: skip
    values = [peer["value"] for peer in peers]
    return {
        "peer_group": group,
        "n_peers": len(peers),
        "peer_median": float(np.median(values)) if group else NAN,
        "percentile": stats.percentileofscore(values, row["value"], "mean") / 100
        if group and row["is_enough_data"]
        else NAN,
    }


def _interval(kind: str, told: Any, records: pd.DataFrame) -> tuple[float, float]:
    if kind == "share":
        trials = int(told.denominator)
        wilson = stats.binomtest(int(told.numerator), trials).proportion_ci(method="wilson")
        return wilson.low, wilson.high
    n, numbers = len(records), np.sort(records["numerator"].to_numpy())
    if kind == "median":
        place = int((n + 1 - stats.norm.ppf(0.975) * np.sqrt(n)) // 2)
        return (numbers[place - 1], numbers[n - place]) if place >= 1 else (NAN, NAN)
    is_mean = n == told.n_included and (records["denominator"] == 1).all()
    if kind != "quotient" or not is_mean or n < 2:
        return NAN, NAN
    margin = stats.t.ppf(0.975, n - 1) * stats.sem(numbers)
    return max(told.value - margin, min(numbers[0], 0)), told.value + margin


def _band(since: int | None) -> str:
    if since is None or since < 0:
        return "unknown"
    return next(
        (name for most, name in ((6, "0-5"), (12, "6-11"), (24, "12-23")) if since < most), "24+"
    )


def _since(hired: dt.date | None, month: dt.date) -> int | None:
    return hired and (month.year - hired.year) * 12 + month.month - hired.month


def _earlier(month: dt.date, months: int) -> dt.date:
    number = month.year * 12 + month.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    days = pd.date_range(first, last) if first <= last else []
    return sorted({day.date().replace(day=1) for day in days})


def _days(month: dt.date) -> list[dt.date]:
    days = (month + dt.timedelta(days=number) for number in range(31))
    return [day for day in days if day.month == month.month]


def _day(value: Any) -> dt.date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
