"""LinkedIn as a test writes it: what each answer says, and what was asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import orjson
from restli_reader import read
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

ACCOUNT = "508000001"
Element = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A request: its address, its headers, and what its query says, wherever it stood."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    asked: Mapping[str, Any]

    @property
    def resource(self) -> str:
        """The last part of the path."""
        return self.url.partition("?")[0].rpartition("/")[2]

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day that are asked for."""
        first, last = (self.asked["dateRange"][end] for end in ("start", "end"))
        return _text(first), _text(last)


def _text(parts: Mapping[str, str]) -> str:
    return dt.date(*(int(parts[name]) for name in ("year", "month", "day"))).isoformat()


@dataclass
class WrittenLinkedIn:
    """An application: figures by campaign, ad (None: of the campaign itself) and day."""

    now: dt.datetime = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
    most: int = 15_000
    campaigns: dict[str, Element] = field(default_factory=dict)
    creatives: dict[str, str] = field(default_factory=dict)
    figures: dict[tuple[str, str | None, str], Element] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    instead: Callable[[Question], Response | None] = lambda question: None
    has_account: bool = True
    unlisted: dict[str, str] = field(default_factory=dict)
    """What campaigns that no list or report has spent, by day."""

    def campaign(self, id: str, **more: Any) -> None:
        """Add a campaign to the list."""
        told = {"name": f"Campaign {id}", "type": "SPONSORED_UPDATES", "status": "ACTIVE"}
        self.campaigns[id] = {"id": int(id), **told, **more}

    def spent(self, campaign: str, day: str, ad: str | None = None, **figures: Any) -> None:
        """Say what a campaign, or an ad, came to on a day."""
        self.figures[campaign, ad, day] = {"costInLocalCurrency": "1.5", **figures}

    @property
    def reports(self) -> list[Question]:
        """The reports that were asked for."""
        return [it for it in self.questions if it.resource == "adAnalytics"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = (await request.body()).decode()
        query = body or scope["query_string"].decode()
        path = request.url.path
        url = f"{path}?{scope['query_string'].decode()}" if scope["query_string"] else path
        question = Question(request.method, url, dict(request.headers), body, read(query))
        self.questions.append(question)
        response = self.instead(question) or answer(self._elements(question))
        response.headers["Date"] = format_datetime(self.now, usegmt=True)
        await response(scope, receive, send)

    def _elements(self, question: Question) -> list[Element]:
        match question.resource:
            case "adAccounts":
                found = {"id": int(ACCOUNT), "name": "Main", "currency": "EUR", "status": "ACTIVE"}
                return [found] if self.has_account else []
            case "adCampaigns":
                return list(self.campaigns.values())
            case "creatives":
                return [
                    {
                        "id": f"urn:li:sponsoredCreative:{ad}",
                        "campaign": f"urn:li:sponsoredCampaign:{campaign}",
                        "name": f"Ad {ad}",
                    }
                    for ad, campaign in self.creatives.items()
                ]
        return self._report(question.asked, *question.days)[: self.most]

    def _of_account(self, first: str, last: str) -> list[Element]:
        total = {day: Decimal(cost) for day, cost in self.unlisted.items()}
        for (_, ad, day), figures in self.figures.items():
            if ad is None:
                cost = Decimal(str(figures.get("costInLocalCurrency", 0)))
                total[day] = total.get(day, Decimal(0)) + cost
        return [
            {
                "dateRange": _range(day),
                "pivotValues": [f"urn:li:sponsoredAccount:{ACCOUNT}"],
                "costInLocalCurrency": str(cost),
            }
            for day, cost in total.items()
            if first <= day <= last
        ]

    def _report(self, asked: Mapping[str, Any], first: str, last: str) -> list[Element]:
        if asked["pivot"] == "ACCOUNT":
            return self._of_account(first, last)
        facets = {
            name: {urn.rpartition(":")[2] for urn in asked[name]}
            for name in ("campaigns", "creatives")
            if name in asked
        }
        is_of_ads = asked["pivot"] == "CREATIVE" or "creatives" in facets
        return [
            {
                "dateRange": _range(day),
                "pivotValues": [
                    f"urn:li:sponsoredCreative:{ad}"
                    if asked["pivot"] == "CREATIVE"
                    else f"urn:li:sponsoredCampaign:{campaign}"
                ],
                **figures,
            }
            for (campaign, ad, day), figures in self.figures.items()
            if first <= day <= last
            and is_of_ads == (ad is not None)
            and campaign in facets.get("campaigns", {campaign})
            and ad in facets.get("creatives", {ad})
        ]


def _range(day: str) -> Element:
    parts = zip(("year", "month", "day"), map(int, day.split("-")), strict=True)
    return {"start": dict(parts)}


def answer(elements: list[Element]) -> Response:
    """A list of one page."""
    return Response(
        orjson.dumps({"elements": elements, "paging": {}}), media_type="application/json"
    )


def problem(status: int, code: str, message: str) -> Response:
    """An error as LinkedIn tells it."""
    told = {"status": status, "code": code, "message": message}
    return Response(orjson.dumps(told), status, media_type="application/json")
