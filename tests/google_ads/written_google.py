"""A Google Ads that a test writes by hand: accounts, campaigns, days, and a clock."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Document = dict[str, Any]

MANAGER = "7300000000"
BATCH = 3
"""Results in each batch of a stream."""
FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
FIGURES = {
    "cost": "costMicros", "impressions": "impressions", "clicks": "clicks",
    "conversions": "conversions", "value": "conversionsValue",
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One request, but those for access tokens."""

    path: str
    query: str
    headers: dict[str, str]

    @property
    def customer(self) -> str:
        """The account that was asked."""
        return self.path.split("/")[3]

    @property
    def of(self) -> str:
        """The resource that was asked for."""
        found = re.search(r" FROM (\w+)", self.query)
        return found[1] if found else ""

    @property
    def days(self) -> tuple[str, str] | None:
        """The days that were asked for, the first and the last."""
        found = re.search(r"segments\.date BETWEEN '(.{10})' AND '(.{10})'", self.query)
        return (found[1], found[2]) if found else None


@dataclass
class WrittenAccount:
    """An account: what its manager says of it, its campaigns, and figures by day."""

    client: Document
    campaigns: dict[str, Document] = field(default_factory=dict)
    budgets: dict[str, Document] = field(default_factory=dict)
    campaign_days: dict[tuple[str, str], Document] = field(default_factory=dict)
    ad_days: dict[tuple[str, str, str, str], Document] = field(default_factory=dict)
    unlisted: dict[str, float] = field(default_factory=dict)
    """What campaigns that no list or report has spent, by day."""

    def campaign(self, id: str, name: str, **told: Any) -> None:
        """A campaign is, or becomes, so."""
        self.campaigns[id] = {
            "resourceName": f"customers/{self.client['id']}/campaigns/{id}", "id": id,
            "name": name, "status": "ENABLED", "advertisingChannelType": "SEARCH", **told,
        }  # fmt: skip

    def spent(self, campaign: str, day: str, ad: str | None = None, **figures: float) -> None:
        """A campaign's day, or that of an ad in group 9, came to this."""
        metrics = _metrics(figures)
        if ad is None:
            self.campaign_days[campaign, day] = metrics
        else:
            self.ad_days[campaign, "9", ad, day] = metrics


class WrittenGoogle:
    """The ASGI application. `instead` may answer a question otherwise than it would be."""

    def __init__(self, now: str) -> None:
        self.now = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
        self.accounts: dict[str, WrittenAccount] = {}
        self.direct: list[str] = [MANAGER]
        self.client_secret = self.refresh_token = ""
        self.questions: list[Question] = []
        self.tokens = 0
        self.token_requests = 0
        self._left = 0
        self.instead: Callable[[Question], Response | None] = lambda asked: None
        self.instead_of_tokens: Callable[[], Response | None] = lambda: None

    def at(self, moment: str) -> None:
        """Go on to a moment, in UTC."""
        self.now = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)

    def account(
        self, id: str, currency: str = "USD", zone: str = "UTC", **told: Any
    ) -> WrittenAccount:
        """An account below the manager."""
        client = {
            "resourceName": f"customers/{MANAGER}/customerClients/{id}", "id": id,
            "descriptiveName": f"Account {id}", "currencyCode": currency, "timeZone": zone,
            "manager": False, "status": "ENABLED", **told,
        }  # fmt: skip
        self.accounts[id] = WrittenAccount(client)
        return self.accounts[id]

    def asked(self, of: str) -> list[Question]:
        """The questions for a resource."""
        return [it for it in self.questions if it.of == of]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        body = await request.body()
        response = self._token(body) if scope["path"] == "/token" else self._answer(request, body)
        response.headers["date"] = format_datetime(self.now, usegmt=True)
        await response(scope, receive, send)

    def _token(self, body: bytes) -> Response:
        """An access token for a refresh token."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert form.keys() == {"grant_type", "client_id", "client_secret", "refresh_token"}
        assert form["grant_type"] == "refresh_token"
        self.tokens += 1
        self._left = self.token_requests or 1_000_000
        if (other := self.instead_of_tokens()) is not None:
            return other
        if form["client_secret"] != self.client_secret:
            return answer({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if form["refresh_token"] != self.refresh_token:
            told = "Token has been expired or revoked."
            return answer({"error": "invalid_grant", "error_description": told}, 400)
        return answer(
            {"access_token": f"ya29.token-{self.tokens}", "expires_in": 3599,
             "scope": "https://www.googleapis.com/auth/adwords", "token_type": "Bearer"}
        )  # fmt: skip

    def _answer(self, request: Request, body: bytes) -> Response:
        query = orjson.loads(body)["query"] if body else ""
        asked = Question(request.url.path, query, dict(request.headers))
        self.questions.append(asked)
        self._left -= 1
        if asked.headers["authorization"] != f"Bearer ya29.token-{self.tokens}" or self._left < 0:
            return failure(401, "authenticationError", "OAUTH_TOKEN_EXPIRED", "It has expired.")
        if (other := self.instead(asked)) is not None:
            return other
        if asked.path == "/v26/customers:listAccessibleCustomers":
            return answer({"resourceNames": [f"customers/{id}" for id in self.direct]})
        assert asked.path == f"/v26/customers/{asked.customer}/googleAds:searchStream"
        if asked.of == "customer_client":
            clients = [_itself(MANAGER), *(it.client for it in self.accounts.values())]
            return stream([{"customerClient": it} for it in clients])
        if asked.customer == MANAGER:
            assert asked.of == "customer"
            return stream([{"customer": _itself(MANAGER)}])
        return stream(list(_results(self.accounts[asked.customer], asked)))


def _itself(manager: str) -> Document:
    return {
        "resourceName": f"customers/{manager}/customerClients/{manager}", "id": manager,
        "descriptiveName": "All of it", "currencyCode": "USD", "timeZone": "UTC", "manager": True,
        "status": "ENABLED",
    }  # fmt: skip


def _results(account: WrittenAccount, asked: Question) -> Iterable[Document]:
    match asked.of:
        case "customer" if asked.days is None:
            yield {"customer": account.client}
        case "customer":
            total: Counter[str] = Counter()
            for (_, day), metrics in account.campaign_days.items():
                total[day] += int(metrics.get("costMicros", "0"))
            for day, cost in account.unlisted.items():
                total[day] += round(cost * 1_000_000)
            for day, micros in total.items():
                if asked.days[0] <= day <= asked.days[1] and micros:
                    yield {
                        "customer": {"resourceName": account.client["resourceName"]},
                        "metrics": {"costMicros": str(micros)},
                        "segments": {"date": day},
                    }
        case "campaign" if asked.days is None:
            for id, campaign in account.campaigns.items():
                yield {"campaign": campaign, "campaignBudget": account.budgets.get(id, {})}
        case "campaign":
            for (id, day), metrics in account.campaign_days.items():
                if asked.days[0] <= day <= asked.days[1]:
                    yield _result(id, day, metrics)
        case "ad_group_ad":
            assert asked.days is not None
            for (id, group, ad, day), metrics in account.ad_days.items():
                if asked.days[0] <= day <= asked.days[1]:
                    yield _result(id, day, metrics) | {
                        "adGroup": {"id": group, "name": "Nine"}, "adGroupAd": {"ad": {"id": ad}}
                    }  # fmt: skip
        case other:
            raise AssertionError(f"nobody asks for {other}")


def _result(campaign: str, day: str, metrics: Document) -> Document:
    return {"campaign": {"id": campaign}, "metrics": metrics, "segments": {"date": day}}


def _metrics(figures: dict[str, float]) -> Document:
    """Figures as the API writes them: counts are text, and what is 0 is left out."""
    written: Document = {}
    for name, value in figures.items():
        if name == "cost":
            value = round(value * 1_000_000)
        if value:
            is_count = name in ("cost", "impressions", "clicks")
            written[FIGURES[name]] = str(value) if is_count else float(value)
    return written


def answer(document: object, status: int = 200) -> Response:
    """An answer of JSON."""
    return Response(orjson.dumps(document), status, media_type="application/json")


def stream(results: list[Document], end: Iterable[Document] = ()) -> Response:
    """The answer to a query: batches of results, and what comes after them."""
    batches = [results[at : at + BATCH] for at in range(0, len(results), BATCH)] or [[]]
    written: list[Document] = [{"fieldMask": "a,b", "requestId": "r1"} for _ in batches]
    for batch, some in zip(written, batches, strict=True):
        if some:
            batch["results"] = some
    return answer([*written, *end])


def error(status: int, kind: str, code: str, message: str) -> Document:
    """The body of an error of Google Ads."""
    failed = {"errorCode": {kind: code}, "message": message}
    return {
        "error": {
            "code": status, "message": "The request failed.", "status": "FAILED",
            "details": [{"@type": FAILURE, "errors": [failed], "requestId": "r2"}],
        }
    }  # fmt: skip


def failure(status: int, kind: str, code: str, message: str) -> Response:
    """The answer to a query that is refused: a stream of one error."""
    return answer([error(status, kind, code, message)], status)
