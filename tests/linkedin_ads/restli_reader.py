"""A query of Rest.li 2.0 as its definition has it, and what LinkedIn would refuse in one.

https://linkedin.github.io/rest.li/spec/protocol: lists are `List(a,b)`, records `(key:value,…)`,
and of text all that has a meaning in either, or in an address, is percent-encoded. LinkedIn's own
SDK is not here, for its licence: `RECORDED` is what it sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

RECORDED = (
    "/rest/adAnalytics?accounts=List(urn%3Ali%3AsponsoredAccount%3A1)"
    "&dateRange=(end:(day:2,month:3,year:2026),start:(day:1,month:3,year:2026))"
    "&pivot=CAMPAIGN&q=analytics&timeGranularity=DAILY&fields=dateRange,pivotValues,"
    "costInLocalCurrency,impressions,clicks,externalWebsiteConversions"
)
RECORDED_HEADERS = {
    "X-RestLi-Protocol-Version": "2.0.0", "X-RestLi-Method": "FINDER", "LinkedIn-Version": "202610",
}  # fmt: skip
MOST_FIELDS = 20
LONGEST_QUERY = 4_096
UNRESERVED = re.compile(r"(?:[A-Za-z0-9._~!*-]|%[0-9A-F]{2})+")
METRICS = frozenset(
    """actionClicks adUnitClicks approximateMemberReach averageDwellTime cardClicks
    cardImpressions clicks commentLikes comments companyPageClicks
    conversionValueInLocalCurrency costInLocalCurrency costInUsd documentCompletions
    externalWebsiteConversions externalWebsitePostClickConversions
    externalWebsitePostViewConversions follows fullScreenPlays impressions jobApplications
    landingPageClicks leadGenerationMailContactInfoShares likes oneClickLeadFormOpens
    oneClickLeads opens otherEngagements postClickJobApplications qualifiedLeads reactions sends
    shares textUrlClicks totalEngagements validWorkEmailLeads videoCompletions videoStarts
    videoViews viralClicks viralImpressions""".split()
)
"""Metrics that adAnalytics has, as far as anyone asks for them here."""
FINDERS = {
    "adAccounts": ("search", {"search", "pageSize", "pageToken", "sortOrder"}),
    "adCampaigns": ("search", {"search", "pageSize", "pageToken", "sortOrder"}),
    "creatives": (
        "criteria",
        {"campaigns", "creatives", "intendedStatuses", "pageSize", "pageToken", "sortOrder"},
    ),
    "adAnalytics": (
        "analytics",
        {"pivot", "dateRange", "timeGranularity", "accounts", "campaigns", "creatives",
         "campaignGroups"},
    ),
}  # fmt: skip
"""The finder of each resource, and its parameters."""
PIVOTS = ("ACCOUNT", "CAMPAIGN", "CAMPAIGN_GROUP", "CREATIVE")


class QueryError(Exception):
    """The text is no query of Rest.li."""


def read(query: str) -> dict[str, Any]:
    """The parameters of a query: texts, lists and records. Raises QueryError.

    >>> read("q=x&a=List(1,(b:2,c:urn%3Ali%3Aa%3A1))&d=()&e=List()")
    {'q': 'x', 'a': ['1', {'b': '2', 'c': 'urn:li:a:1'}], 'd': {}, 'e': []}
    """
    found: dict[str, Any] = {}
    for part in query.split("&"):
        name, equals, text = part.partition("=")
        if not equals or name in found or not UNRESERVED.fullmatch(name):
            raise QueryError(f"{part!r} is no parameter, or a second one of its name")
        if name == "fields":
            found[name] = _fields(text)
            continue
        value, end = _value(text, 0)
        if end != len(text):
            raise QueryError(f"{name}: {text[end:]!r} is left over")
        found[unquote(name)] = value
    return found


def _fields(text: str) -> list[str]:
    """A projection has commas of its own, and no list around it."""
    names = text.split(",")
    if not all(re.fullmatch(r"[A-Za-z]+", name) for name in names):
        raise QueryError(f"fields: {text!r} is no projection")
    return names


def _value(text: str, at: int) -> tuple[Any, int]:
    if text.startswith("List(", at):
        return _list(text, at + 5)
    if text.startswith("(", at):
        return _record(text, at + 1)
    match = UNRESERVED.match(text, at)
    if not match:
        raise QueryError(f"a value is expected at {text[at:]!r}")
    return unquote(match[0]), match.end()


def _list(text: str, at: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    if text.startswith(")", at):
        return found, at + 1
    while True:
        value, at = _value(text, at)
        found.append(value)
        if text.startswith(")", at):
            return found, at + 1
        at = _expect(text, at, ",")


def _record(text: str, at: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    if text.startswith(")", at):
        return found, at + 1
    while True:
        match = UNRESERVED.match(text, at)
        if not match or unquote(match[0]) in found:
            raise QueryError(f"a key is expected at {text[at:]!r}")
        at = _expect(text, match.end(), ":")
        found[unquote(match[0])], at = _value(text, at)
        if text.startswith(")", at):
            return found, at + 1
        at = _expect(text, at, ",")


def _expect(text: str, at: int, sign: str) -> int:
    if not text.startswith(sign, at):
        raise QueryError(f"{sign!r} is expected at {text[at:]!r}")
    return at + 1


def refusals(method: str, url: str, headers: Mapping[str, str], body: str = "") -> list[str]:
    """All that LinkedIn would refuse in a request, or answer otherwise than it seems."""
    path, _, query = url.partition("?")
    told = {name.lower(): value for name, value in headers.items()}
    found = [
        f"{name}: {told.get(name.lower())!r} is not {value!r}"
        for name, value in RECORDED_HEADERS.items()
        if name != "X-RestLi-Method" and told.get(name.lower()) != value
    ]
    if told.get("x-restli-method", "FINDER").upper() != "FINDER":
        found.append(f"X-RestLi-Method: {told['x-restli-method']!r} is not 'FINDER'")
    if method == "POST":
        if told.get("x-http-method-override") != "GET" or query:
            found.append("POST: neither a query in the body, nor said to be a GET")
        if told.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            found.append("POST: the query is no form")
        query = body
    elif len(query) > LONGEST_QUERY:
        found.append(f"GET: {len(query)} characters are too long a query")
    try:
        given = read(query)
    except QueryError as error:
        return [*found, str(error)]
    return found + _of_finder(path.rstrip("/").rpartition("/")[2], given)


def _of_finder(resource: str, given: Mapping[str, Any]) -> list[str]:
    if resource not in FINDERS:
        return [f"{resource}: is unknown"]
    finder, known = FINDERS[resource]
    found = [f"{name}: is unknown" for name in given if name not in {*known, "q", "fields"}]
    if given.get("q") != finder:
        found.append(f"q: {given.get('q')!r} is not {finder!r}")
    return found + (_of_report(given) if resource == "adAnalytics" else [])


def _of_report(given: Mapping[str, Any]) -> list[str]:
    found = [
        f"{name}: is missing"
        for name in ("pivot", "dateRange", "timeGranularity", "fields")
        if name not in given
    ]
    if given.get("pivot") not in PIVOTS:
        found.append(f"pivot: {given.get('pivot')!r} is unknown")
    fields = given.get("fields", [])
    metrics = [name for name in fields if name not in ("dateRange", "pivotValues")]
    found += [f"fields: {name} is unknown" for name in metrics if name not in METRICS]
    if len(metrics) > MOST_FIELDS:
        found.append(f"fields: {len(metrics)} metrics are more than {MOST_FIELDS}")
    found += [
        f"fields: {name} is not asked for"
        for name in ("dateRange", "pivotValues")
        if name not in fields
    ]
    if not isinstance(given.get("accounts"), list):
        found.append("accounts: is no list")
    for name, kind in (("accounts", "sponsoredAccount"), ("campaigns", "sponsoredCampaign")):
        found += [
            f"{name}: {urn!r} is no {kind}"
            for urn in given.get(name, [])
            if not re.fullmatch(rf"urn:li:{kind}:\d+", str(urn))
        ]
    days = given.get("dateRange", {})
    if days.keys() != {"start", "end"} or not all(
        isinstance(day, dict) and day.keys() == {"year", "month", "day"} for day in days.values()
    ):
        found.append(f"dateRange: {days!r} has no start and end")
    return found
