"""LinkedIn's Marketing API: what is particular to it, and the requests that read accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)

from ingestion.errors import SourceError
from ingestion.http import Api, ApiClient, Pace, Page, Patience, Shape, secret_of
from ingestion.loading.restated import Window
from ingestion.sources.linkedin_ads.restli import Value, query_of
from ingestion.sources.linkedin_ads.settings import LABEL, VERSION, LinkedInAdsSource

Element = dict[str, Any]
NUMBERED: Shape = MappingProxyType({"id": int})
ACCOUNT: Shape = MappingProxyType({"id": int, "currency": str})
CREATIVE: Shape = MappingProxyType({"id": str, "campaign": str})
FIGURES: Shape = MappingProxyType({"dateRange": dict, "pivotValues": list})
PAGES = {"adCampaigns": 1_000, "creatives": 100}
"""The most that a page has."""
LONGEST_QUERY = 4_000
"""A longer one is sent in the body: LinkedIn refuses longer addresses (414)."""
FIELDS = (
    "dateRange",
    "pivotValues",
    "costInLocalCurrency",
    "impressions",
    "clicks",
    "externalWebsiteConversions",
    "conversionValueInLocalCurrency",
)
"""What is asked for of each day; at most 20 at a time."""
_NEXT = jsonpath.compile_path("metadata.nextPageToken")


class LinkedInApi(Api):
    """The API as one member's token shows it."""

    label = LABEL
    results = "elements"

    def __init__(self, source: LinkedInAdsSource) -> None:
        what = "an access token of a member who has a role in the ad accounts"
        token = secret_of(source.name, source.token_env, what)
        super().__init__(source.name, source.url, token, BearerTokenAuth(token))
        self._settings = source
        self._pace = Pace(10.0)

    def pace(self, path: str) -> Pace:
        """LinkedIn tells limits by day and application: nothing that a pace could keep."""
        return self._pace

    def is_good(self, document: Any) -> bool:
        """Whether it is a list."""
        return isinstance(document, dict) and isinstance(document.get("elements"), list)

    def message(self, document: Any) -> object:
        """LinkedIn's own words, and which parameter they are about."""
        told = f"{document['code']}: {document['message']}" if "code" in document else None
        errors = (document.get("errorDetails") or {}).get("inputErrors") or ()
        paths = [error["input"]["inputPath"]["fieldPath"] for error in errors]
        about = f" ({', '.join(paths)})" if paths else ""
        return (told or document["message"]) + about

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What is wrong with the token, its scopes or the version, and what to do."""
        source = self._settings
        if response.status_code == 401:
            remedy = (
                f"put a new access token into the environment variable {source.token_env}: "
                "LinkedIn ends them after 60 days (linkedin.com/developers/tools/oauth)"
            )
        elif response.status_code == 403:
            remedy = (
                f"the token in {source.token_env} needs the scopes r_ads and r_ads_reporting, and "
                "its member a role in the account (Campaign Manager, Account settings, Manage "
                "access); where an account is closed, name all others (`accounts`)"
            )
        elif response.status_code == 426 or "VERSION" in problem:
            remedy = (
                "LinkedIn ends each version of its API after about a year: the source "
                f"{source.name} asks for {source.version}, its fields are those of {VERSION}; "
                "write as `version` one that is still served, or take a newer salesops"
            )
        else:
            return SourceError(problem)
        return SourceError(f"{problem}; {remedy}")


class LinkedInClient(ApiClient):
    """Reads what one member may see; several threads may."""

    def __init__(self, source: LinkedInAdsSource, patience: Patience | None = None) -> None:
        super().__init__(LinkedInApi(source), patience)
        self._session.headers.update(
            {
                "LinkedIn-Version": source.version,
                "X-RestLi-Protocol-Version": "2.0.0",
                "X-RestLi-Method": "FINDER",
            }
        )

    def accounts(self) -> Iterator[Page]:
        """All accounts in which the member has a role."""
        return self._pages("/rest/adAccounts", ACCOUNT, {"q": "search", "pageSize": 1_000})

    def campaigns(self, account: str) -> Iterator[Page]:
        """All campaigns of an account, whatever their status."""
        path = f"/rest/adAccounts/{account}/adCampaigns"
        return self._pages(path, NUMBERED, {"q": "search", "pageSize": PAGES["adCampaigns"]})

    def creatives(self, account: str) -> Iterator[Page]:
        """The ads of an account that are in its list; ones that were removed may not be."""
        path = f"/rest/adAccounts/{account}/creatives"
        return self._pages(path, CREATIVE, {"q": "criteria", "pageSize": PAGES["creatives"]})

    def report(
        self, account: str, pivot: str, window: Window, campaigns: Sequence[str] = ()
    ) -> list[Element]:
        """An account's figures by pivot and day, of these campaigns or all; cut without a word."""
        facets = {"accounts": [account], **({"campaigns": campaigns} if campaigns else {})}
        return self._analytics(pivot, "DAILY", window, facets)

    def campaign_of(self, account: str, creative: str, window: Window) -> str | None:
        """The campaign that had the figures of a creative, which may be in no list any more."""
        facets = {"accounts": [account], "creatives": [creative]}
        found = self._analytics("CAMPAIGN", "ALL", window, facets)
        return id_of(found[0]) if found else None

    def _analytics(
        self, pivot: str, granularity: str, window: Window, facets: Mapping[str, Sequence[str]]
    ) -> list[Element]:
        named: dict[str, Value] = {
            facet: [f"urn:li:sponsored{facet.capitalize().removesuffix('s')}:{id}" for id in ids]
            for facet, ids in facets.items()
        }
        days: Value = {"start": _parts(window.since), "end": _parts(window.until)}
        query = query_of(
            {
                "q": "analytics",
                "pivot": pivot,
                "timeGranularity": granularity,
                "dateRange": days,
                "fields": ",".join(FIELDS),
                **named,
            }
        )
        path = "/rest/adAnalytics"
        if len(query) <= LONGEST_QUERY:
            pages = self.paginate(f"{path}?{query}", SinglePagePaginator(), FIGURES)
        else:
            headers = {
                "X-HTTP-Method-Override": "GET",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            pages = self.paginate(path, SinglePagePaginator(), FIGURES, data=query, headers=headers)
        return [element for page in pages for element in page.results]

    def _pages(self, path: str, shape: Shape, params: dict[str, object]) -> Iterator[Page]:
        following = JSONResponseCursorPaginator(cursor_path=_NEXT, cursor_param="pageToken")
        yield from self.paginate(path, following, shape, params=params)


def id_of(element: Element) -> str:
    """The id of what an element's figures are of."""
    return str(element["pivotValues"][0]).rpartition(":")[2]


def _parts(day: date) -> dict[str, Value]:
    return {"year": day.year, "month": day.month, "day": day.day}
