"""Reports of adAnalytics: figures of campaigns, creatives or accounts, by day or longer.

https://learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/ads-reporting
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from ingestion.sandbox.systems.advertisers import Advertiser, chosen
from ingestion.sandbox.systems.linkedin_ads.entities import Account, key_of, urn
from ingestion.sandbox.systems.linkedin_ads.errors import ParameterError
from ingestion.sandbox.systems.linkedin_ads.restli import Value
from ingestion.sandbox.world.advertising import FIGURES, Figures
from ingestion.sandbox.world.calendar import day_number, day_of

PIVOTS = {
    "ACCOUNT": "sponsoredAccount", "CAMPAIGN_GROUP": "sponsoredCampaignGroup",
    "CAMPAIGN": "sponsoredCampaign", "CREATIVE": "sponsoredCreative",
}  # fmt: skip
"""What results may be grouped by, and what the names of the groups are of."""
FACETS = {
    "accounts": "sponsoredAccount", "campaignGroups": "sponsoredCampaignGroup",
    "campaigns": "sponsoredCampaign", "creatives": "sponsoredCreative",
}  # fmt: skip
"""What results may be narrowed to; one is needed."""
GRANULARITIES = ("ALL", "DAILY", "MONTHLY", "YEARLY")
PARAMETERS = ("q", "pivot", "dateRange", "timeGranularity", "fields", *FACETS)
MOST_FIELDS = 20
DEFAULTS = ("impressions", "clicks", "dateRange", "pivotValues")
NOISE, NOTHING = Decimal("0.00000000000004"), "-2E-18"
"""Costs are sums of binary fractions: some are off by this, and some that are nothing are that."""
Element = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What a report is asked for."""

    pivot: str
    granularity: str
    first: int
    last: int
    fields: tuple[str, ...]
    facets: Mapping[str, tuple[str, ...]]
    """Ids by facet: those of one are alternatives, those of several all hold."""


def question(given: Mapping[str, Value], today: int) -> Question:
    """The question that parameters ask. Raises ParameterError."""
    for name in given:
        if name not in PARAMETERS:
            raise ParameterError(name, "QUERY_PARAM_NOT_ALLOWED")
    for name in ("pivot", "dateRange", "timeGranularity"):
        if name not in given:
            raise ParameterError(name, "PARAM_MISSING")
    facets = {
        name: tuple(key_of(value, kind, name) for value in _list(given[name], name))
        for name, kind in FACETS.items()
        if name in given
    }
    if not facets:
        raise ParameterError("accounts", "PARAM_MISSING")
    first, last = _days(given["dateRange"], today)
    return Question(
        _one_of(given["pivot"], PIVOTS, "pivot"),
        _one_of(given["timeGranularity"], GRANULARITIES, "timeGranularity"),
        first, last, _fields(given.get("fields")), facets,
    )  # fmt: skip


def elements(accounts: Mapping[str, Account], asked: Question) -> list[Element]:
    """All elements of a report, by day. Of accounts without access there are none."""
    found: list[tuple[int, int, Element]] = []
    for account in accounts.values():
        if not _includes(asked, "accounts", account.id):
            continue
        if not _includes(asked, "campaignGroups", account.group.rpartition(":")[2]):
            continue
        found += _of_account(account, asked)
    found.sort(key=lambda each: each[:2])
    return [element for _, _, element in found]


def _of_account(account: Account, asked: Question) -> list[tuple[int, int, Element]]:
    own = account.advertiser
    is_of_ads = asked.pivot == "CREATIVE" or "creatives" in asked.facets
    figures = _narrowed(own, own.ad_figures if is_of_ads else own.campaign_figures, asked)
    if not len(figures):
        return []
    pivots = figures.ad if asked.pivot == "CREATIVE" else figures.campaign
    if asked.pivot in ("ACCOUNT", "CAMPAIGN_GROUP"):
        pivots = np.zeros_like(pivots)
    starts = np.array([_start(asked, day) for day in figures.day.tolist()], np.int64)
    pairs, which = np.unique(np.stack([starts, pivots]), axis=1, return_inverse=True)
    sums = {}
    for name in FIGURES:
        sums[name] = np.zeros(pairs.shape[1], np.int64)
        np.add.at(sums[name], which.ravel(), getattr(figures, name))
    return [
        (
            start,
            row,
            _element(account, asked, start, row, {n: int(s[nth]) for n, s in sums.items()}),
        )
        for nth, (start, row) in enumerate(pairs.T.tolist())
    ]


def _narrowed(own: Advertiser, figures: Figures, asked: Question) -> Figures:
    """The figures of the days, campaigns and creatives that are asked for."""
    wanted = (figures.day >= asked.first) & (figures.day <= asked.last)
    if "campaigns" in asked.facets:
        keys = set(asked.facets["campaigns"])
        rows = [row for row, each in own.campaigns.items() if each.id in keys]
        wanted &= np.isin(figures.campaign, rows)
    if "creatives" in asked.facets:
        keys = set(asked.facets["creatives"])
        wanted &= np.isin(figures.ad, [row for row, each in own.ads.items() if each.id in keys])
    return chosen(figures, wanted)


def _includes(asked: Question, facet: str, key: str) -> bool:
    return facet not in asked.facets or key in asked.facets[facet]


def _element(
    account: Account, asked: Question, start: int, row: int, sums: Mapping[str, int]
) -> Element:
    keys = {
        "ACCOUNT": lambda: account.id,
        "CAMPAIGN_GROUP": lambda: account.group.rpartition(":")[2],
        "CAMPAIGN": lambda: account.advertiser.campaigns[row].id,
        "CREATIVE": lambda: account.advertiser.ads[row].id,
    }
    told: Element = {
        "dateRange": {"start": _day(start), "end": _day(_end(asked, start))},
        "pivotValues": [urn(PIVOTS[asked.pivot], keys[asked.pivot]())],
        **metrics(sums),
    }
    return {name: told[name] for name in asked.fields}


def metrics(sums: Mapping[str, int]) -> Element:
    """The metrics that follow from figures; money is text."""
    impressions, clicks, conversions = (
        sums[name] for name in ("impressions", "clicks", "conversions")
    )
    by_view = conversions // 4
    cost = _cost(sums["spend"])
    none = (
        "oneClickLeads", "oneClickLeadFormOpens", "opens", "sends", "videoViews", "videoStarts",
        "videoCompletions", "viralImpressions", "viralClicks",
    )  # fmt: skip
    return {
        "impressions": impressions, "clicks": clicks, "landingPageClicks": clicks,
        "costInLocalCurrency": cost, "costInUsd": cost,
        "externalWebsiteConversions": conversions,
        "externalWebsitePostViewConversions": by_view,
        "externalWebsitePostClickConversions": conversions - by_view,
        "conversionValueInLocalCurrency": str(sums["conversion_value"] / 100),
        "likes": clicks // 9, "comments": clicks // 50, "shares": clicks // 70,
        "follows": clicks // 80, "reactions": clicks // 9,
        "totalEngagements": clicks + clicks // 9 * 2,
        "approximateMemberReach": impressions * 7 // 10, **dict.fromkeys(none, 0),
    }  # fmt: skip


def _cost(hundredths: int) -> str:
    """A cost as LinkedIn tells it: with the noise of sums of fractions."""
    if not hundredths:
        return NOTHING
    if hundredths % 8 == 5:
        return str(Decimal(hundredths) / 100 - NOISE)
    return str(hundredths / 100)


def _start(asked: Question, day: int) -> int:
    """The first day of the day, month, year or whole range that a day is in."""
    if asked.granularity == "DAILY":
        return day
    when = day_of(day)
    if asked.granularity == "ALL":
        return asked.first
    begun = when.replace(day=1) if asked.granularity == "MONTHLY" else date(when.year, 1, 1)
    return max(day_number(begun), asked.first)


def _end(asked: Question, start: int) -> int:
    when = day_of(start)
    if asked.granularity == "DAILY":
        return start
    if asked.granularity == "ALL":
        return asked.last
    month = 12 if asked.granularity == "YEARLY" else when.month
    following = date(when.year + month // 12, month % 12 + 1, 1)
    return min(day_number(following) - 1, asked.last)


def _day(number: int) -> dict[str, int]:
    day = day_of(number)
    return {"year": day.year, "month": day.month, "day": day.day}


def _days(given: Value, today: int) -> tuple[int, int]:
    """The first and the last day of a range; an open one lasts until now."""
    if not isinstance(given, dict) or "start" not in given or set(given) - {"start", "end"}:
        raise ParameterError("dateRange")
    first = _number(given["start"], "dateRange.start")
    last = _number(given["end"], "dateRange.end") if "end" in given else max(first, today)
    if last < first:
        raise ParameterError("dateRange")
    return first, last


def _number(given: Value, name: str) -> int:
    parts = ("year", "month", "day")
    if not isinstance(given, dict) or set(given) != set(parts):
        raise ParameterError(name)
    texts = [given[part] for part in parts]
    if not all(isinstance(text, str) and re.fullmatch(r"\d{1,4}", text) for text in texts):
        raise ParameterError(name)
    try:
        return day_number(date(*(int(str(text)) for text in texts)))
    except ValueError:
        raise ParameterError(name) from None


def _fields(given: Value | None) -> tuple[str, ...]:
    if given is None:
        return DEFAULTS
    known = {*metrics(dict.fromkeys(FIGURES, 0)), "dateRange", "pivotValues"}
    names = given.split(",") if isinstance(given, str) else []
    if not names or not set(names) <= known or len(names) > MOST_FIELDS:
        raise ParameterError("fields")
    return tuple(dict.fromkeys(names))


def _list(given: Value, name: str) -> list[Value]:
    if not isinstance(given, list) or not given:
        raise ParameterError(name)
    return given


def _one_of(given: Value, known: Mapping[str, str] | tuple[str, ...], name: str) -> str:
    """A word, or a record of one: `CAMPAIGN`, `(value:CAMPAIGN)`."""
    given = given.get("value", "") if isinstance(given, dict) and len(given) == 1 else given
    if not isinstance(given, str) or given not in known:
        raise ParameterError(name)
    return given
