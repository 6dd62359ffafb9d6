"""Which numbers rest on costs or ad spend that nobody has told as yet, so are not what they seem.

Costs are told by month, mostly after it has ended, and ad spend by day. What is not told was not 0.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from dagster_project.numbers.cell import Cell
from dagster_project.numbers.headlines import INSTANT, add_months
from dagster_project.publication import open_published
from ingestion.paths import CompanyPaths

if TYPE_CHECKING:
    import duckdb

ADS, MARKETING, ACQUISITION = "ads", "marketing", "acquisition"
"""What is told: ad spend, costs of marketing, and those of marketing and sales."""
RESTS_ON: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("marketing_spend", "default"): (ADS, MARKETING),
    ("marketing_spend", "ads"): (ADS,),
    ("cost_per_lead", "default"): (ADS, MARKETING),
    ("cost_per_lead", "ads"): (ADS,),
    ("customer_acquisition_cost", "default"): (ADS, ACQUISITION),
    ("customer_acquisition_cost", "ads"): (ADS,),
    ("customer_acquisition_cost", "lagged"): (ADS, ACQUISITION),
    ("cac_payback_months", "default"): (ADS, ACQUISITION),
    ("return_on_ad_spend", "default"): (ADS,),
    ("return_on_ad_spend", "last"): (ADS,),
    ("return_on_ad_spend", "linear"): (ADS,),
    ("return_on_ad_spend", "position"): (ADS,),
}
"""The metrics and variants that rest on what was spent."""
LAG_MONTHS = {("customer_acquisition_cost", "lagged"): 3}
"""How many months later a cost counts."""
TOO_HIGH = frozenset({"return_on_ad_spend"})
"""Metrics that are the higher, the less spend is told; all others are the lower."""
NAMES = {
    "marketing_spend": "marketing spend",
    "cost_per_lead": "cost per lead",
    "customer_acquisition_cost": "cost per new customer",
    "cac_payback_months": "the time in which that is earned back",
    "return_on_ad_spend": "return on ad spend",
}
LITTLE = 1 / 20
"""The share of a period's days that may lack: the last day of a month is told on the next."""
STOPPED_DAYS = 92
"""After so many days without anything it may as well have come to its end."""
USUALLY = 0.9
"""The share of gaps that are taken for the usual rhythm."""
DAYS_LOOKED_AT, MONTHS_LOOKED_AT = 100, 12


@dataclass(frozen=True)
class Told:
    """How far something is told.

    `last` is the last day, or the first day of the last month, with anything; `until` the first day
    of which, by the usual rhythm, something should be there and is not.
    """

    what: str
    last: dt.date
    until: dt.date
    is_monthly: bool
    has_stopped: bool

    @property
    def said(self) -> str:
        """How far it is told, in words."""
        day = "" if self.is_monthly else f"{self.last.day} "
        verb = "are" if self.is_monthly else "is"
        when = f"{day}{self.last:%B %Y}"
        since = f"no {self.what} since {when}"
        return since if self.has_stopped else f"{self.what} {verb} told to {when}"


@dataclass(frozen=True)
class Untold:
    """What is told of which part, as of a day of the company that has not ended."""

    today: dt.date
    told: Mapping[str, Told]

    def of(
        self, metric: str, grain: str, start: dt.date | None, variant: str = "default"
    ) -> list[Told]:
        """What a number rests on and is not told to the end of its period, or to the present."""
        end = Cell(metric, variant, grain, start).end
        if start is None or end is None:
            return []
        end = min(end, self.today)
        found = []
        for part in RESTS_ON.get((metric, variant), ()):
            if (told := self.told.get(part)) is not None:
                until = _months_on(told.until, LAG_MONTHS.get((metric, variant), 0))
                missing = end - max(start, until)
                if missing / dt.timedelta(days=1) > LITTLE * (end - start).days:
                    found.append(told)
        return found

    def sentences(self, shown: Iterable[tuple[str, str, dt.date, str]]) -> list[str]:
        """What is to be said of numbers that are shown: metric, grain, start and period's name."""
        found: dict[Told, dict[str, list[str]]] = {}
        for metric, grain, start, label in shown:
            for told in self.of(metric, grain, start):
                labels = found.setdefault(told, {}).setdefault(metric, [])
                if label not in labels:
                    labels.append(label)
        return [_sentence(told, of_metrics) for told, of_metrics in found.items()]


ALL_TOLD = Untold(dt.date.max, {})
"""Where nothing is known to lack."""


def caution(metric: str, told: Told) -> str:
    """What a number is for what it rests on, in words."""
    perhaps = " if there was any" if told.has_stopped else ""
    return f"too {_effect(metric)}{perhaps}: {told.said}"


def read_untold(connection: duckdb.DuckDBPyConnection, today: dt.date) -> Untold:
    """What is told in a published file up to a day of the company that has not ended.

    A day that had not ended when an ad platform was asked for it is not told yet.
    """
    days = [
        day
        for (day,) in connection.execute(
            """select day from marts.fct_spend_daily where day <= ?
            group by day having not coalesce(bool_or(is_partial), false) order by day""",
            [today],
        ).fetchall()
    ]
    months: dict[str, list[dt.date]] = {}
    for function, month in connection.execute(
        """select distinct coalesce(function, 'sales') as function, month
        from marts.fct_costs
        where coalesce(function, 'sales') <> 'other' and month <= ?
        order by function, month""",
        [today],
    ).fetchall():
        months.setdefault(function, []).append(month)
    is_one = len({of[-1] for of in months.values()}) == 1
    costs = {
        function: _by_month("costs" if is_one else f"costs of {function}", of, today)
        for function, of in months.items()
    }
    told = {ADS: _by_day("ad spend", days, today)} if days else {}
    if MARKETING in costs:
        told[MARKETING] = costs[MARKETING]
    if costs:
        told[ACQUISITION] = min(costs.values(), key=lambda it: it.until)
    return Untold(today, told)


def published_untold(paths: CompanyPaths, moment: dt.datetime) -> Untold:
    """What is told in what is published, at a moment on the company's clocks.

    In publications without costs and ad spend, or those of another version, nothing is known to
    lack.
    """
    import duckdb

    try:
        with open_published(paths.marts) as connection:
            return read_untold(connection, (moment + INSTANT).date())
    except (duckdb.BinderException, duckdb.CatalogException):
        return ALL_TOLD


def _by_day(what: str, days: Sequence[dt.date], today: dt.date) -> Told:
    last = days[-1]
    since = last - dt.timedelta(days=DAYS_LOOKED_AT)
    gap = _usual_gap([day.toordinal() for day in days if day >= since])
    return _told(what, last, last + dt.timedelta(days=gap), today, is_monthly=False)


def _by_month(what: str, months: Sequence[dt.date], today: dt.date) -> Told:
    last = months[-1]
    since = add_months(last, -MONTHS_LOOKED_AT)
    gap = _usual_gap([12 * it.year + it.month for it in months if it >= since])
    return _told(what, last, add_months(last, gap), today, is_monthly=True)


def _told(what: str, last: dt.date, until: dt.date, today: dt.date, *, is_monthly: bool) -> Told:
    has_stopped = (today - until).days > STOPPED_DAYS
    return Told(what, last, until, is_monthly, has_stopped)


def _usual_gap(places: Sequence[int]) -> int:
    """From one time to the next, mostly; spend of working days comes 3 days after a Friday's."""
    gaps = sorted(after - before for before, after in pairwise(places))
    return gaps[math.ceil(USUALLY * len(gaps)) - 1] if gaps else 1


def _months_on(day: dt.date, months: int) -> dt.date:
    return add_months(day, months) + dt.timedelta(days=day.day - 1)


def _effect(metric: str) -> str:
    return "high" if metric in TOO_HIGH else "low"


def _sentence(told: Told, of_metrics: Mapping[str, Sequence[str]]) -> str:
    """Metrics of the same periods that are wrong in the same direction stand together."""
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for metric, labels in of_metrics.items():
        alike.setdefault((tuple(labels), _effect(metric)), []).append(NAMES[metric])
    clauses = [
        f"{_listed(names)} of {_listed(labels)} {'is' if len(names) == 1 else 'are'} too {effect}"
        for (labels, effect), names in alike.items()
    ]
    said = told.said[0].upper() + told.said[1:]
    return f"{said}: {'if there was any, ' if told.has_stopped else ''}{'; '.join(clauses)}."


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
