"""A Marketing API that a test writes by hand: accounts, campaigns, ads, figures of days, a clock.

It is written from Meta's documentation, and knows nothing of a world: what a report has is what the
test put there.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Document = dict[str, Any]
WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
TOO_MUCH = {
    "message": "An unknown error occurred",
    "type": "OAuthException",
    "code": 1,
    "error_subcode": 99,
    "error_user_msg": "Please reduce the amount of data you're asking for, then retry your request",
}
"""With status 500. What is wrong stands in the words for users alone."""
TOO_MANY_ROWS = {
    "message": "Invalid parameter", "type": "OAuthException", "code": 100,
    "error_subcode": 1487534, "is_transient": False, "error_user_title": "Too many rows",
}  # fmt: skip
NO_SUCH = {
    "message": "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due "
    "to missing permissions, or does not support this operation",
    "type": "GraphMethodException", "code": 100, "error_subcode": 33,
}  # fmt: skip
EXPIRED = {
    "message": "Error validating access token: Session has expired on Friday, 01-Mar-26.",
    "type": "OAuthException", "code": 190, "error_subcode": 463,
}  # fmt: skip


@dataclass
class Day:
    """What one ad came to on a day; `ad` None: what the campaign has beyond its ads.

    `actions` and `values` have, by type, what was within 1d_click, 7d_click, 28d_click, 1d_view;
    `elsewhere` is how many of each type were in none of these.
    """

    account: str
    campaign: str
    ad: str | None
    day: str
    spend: str = "10"
    impressions: int = 100
    clicks: int = 5
    actions: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    values: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    elsewhere: int = 0


@dataclass
class Refusal:
    """An answer that is no success, and what its headers tell."""

    status: int
    error: Document
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedMeta:
    """The ASGI application.

    `refusals` answer the next requests. Reports of more than `most_rows` rows are too much, which
    is said by `refuses_at` ("begin", "run" or "rows"); the next `failing` of them fail; each is
    asked for `polls` times before it is complete. Campaigns lack actions unless `tells_campaigns`.
    From `expires_after` requests on the token is none. All rows have `row_more`. A list of
    campaigns has pages of at most `most_listed`, and of those `gone` there is nothing by id.
    `unlisted` is what campaigns of a state that no report is asked for spent, by day.
    """

    def __init__(self, token: str, now: str) -> None:
        self.token, self.now = token, dt.datetime.fromisoformat(now)
        self.accounts: list[Document] = []
        self.campaigns: dict[str, Document] = {}
        self.ads: dict[str, Document] = {}
        self.days: list[Day] = []
        self.refusals: deque[Refusal] = deque()
        self.requests: list[tuple[str, str, Document]] = []
        self.most_rows, self.refuses_at, self.too_much = 1_000_000, "begin", Refusal(500, TOO_MUCH)
        self.failing, self.polls, self.page, self.tells_campaigns = 0, 1, 500, False
        self.expires_after: int | None = None
        self.row_more: Document = {}
        self.fails_with: Document = {
            "error_code": -2, "error_subcode": 2490547, "error_user_msg": "Report Failed",
        }  # fmt: skip
        self.most_listed, self.gone = 500, set[str]()
        self.unlisted: dict[str, str] = {}
        self._reports: dict[str, Document] = {}

    def account(self, id: str, currency: str = "USD", zone: str = "UTC") -> None:
        """There is an account."""
        self.accounts.append(
            {"id": f"act_{id}", "account_id": id, "name": f"Account {id}", "currency": currency,
             "timezone_name": zone, "account_status": 1}
        )  # fmt: skip

    def campaign(self, account: str, id: str, **told: Any) -> None:
        """An account has a campaign."""
        self.campaigns[id] = {
            "id": id, "account": account, "name": f"Campaign {id}", "objective": "OUTCOME_LEADS",
            "effective_status": "ACTIVE", **told,
        }  # fmt: skip

    def ad(self, campaign: str, id: str, **told: Any) -> None:
        """A campaign has an ad, in an ad set of its own."""
        self.ads[id] = {
            "campaign": campaign, "ad_id": id, "ad_name": f"Ad {id}", "adset_id": f"9{id}",
            "adset_name": f"Set {id}", "effective_status": "ACTIVE", **told,
        }  # fmt: skip

    def spent(self, ad: str, day: str, **told: Any) -> Day:
        """An ad came to something on a day."""
        campaign = self.ads[ad]["campaign"]
        found = Day(self.campaigns[campaign]["account"], campaign, ad, day, **told)
        self.days.append(found)
        return found

    def spent_beyond_ads(self, campaign: str, day: str, **told: Any) -> Day:
        """A campaign came to something on a day that is none of its ads'."""
        found = Day(self.campaigns[campaign]["account"], campaign, None, day, **told)
        self.days.append(found)
        return found

    def asked(self, ending: str) -> list[Document]:
        """The parameters of the requests whose path ends so."""
        return [params for _, path, params in self.requests if path.endswith(ending)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        body = (await request.body()).decode()
        params = dict([*request.query_params.items(), *parse_qsl(body)])
        self.requests.append((request.method, request.url.path, params))
        refusal = self._refusal(request)
        found: Document | Refusal = refusal or self._answer(request, params)
        headers = {"date": format_datetime(self.now.replace(tzinfo=dt.UTC), usegmt=True)}
        status = 200
        if isinstance(found, Refusal):
            status, headers = found.status, headers | found.headers
            found = {"error": found.error}
        response = Response(orjson.dumps(found), status, headers, "application/json")
        await response(scope, receive, send)

    def _refusal(self, request: Request) -> Refusal | None:
        is_expired = self.expires_after is not None and len(self.requests) > self.expires_after
        if is_expired or request.headers.get("authorization") != f"Bearer {self.token}":
            return Refusal(400, EXPIRED)
        return self.refusals.popleft() if self.refusals else None

    def _answer(self, request: Request, params: Document) -> Document | Refusal:
        match request.url.path.strip("/").split("/"):
            case ["v26.0", "me", "adaccounts"]:
                return self._page(request, params, self.accounts)
            case ["v26.0", account, "campaigns"]:
                wanted = orjson.loads(params["effective_status"])
                if "DELETED" in wanted:
                    return Refusal(400, {"message": "Cannot request deleted objects", "code": 100})
                if int(params["limit"]) > self.most_listed:
                    return self.too_much
                of = [
                    it for it in self.campaigns.values()
                    if f"act_{it['account']}" == account and it["effective_status"] in wanted
                ]  # fmt: skip
                return self._page(request, params, of)
            case ["v26.0", account, "insights"] if request.method == "POST":
                return self._begin(account.removeprefix("act_"), params)
            case ["v26.0", report, "insights"] if report in self._reports:
                made = self._reports[report]
                if self.refuses_at == "rows" and len(made["rows"]) > self.most_rows:
                    return self.too_much
                return self._page(request, params, made["rows"])
            case ["v26.0", report] if report in self._reports:
                return self._run(report)
            case ["v26.0", id] if id in self.campaigns and id not in self.gone:
                return self.campaigns[id]
        version = request.url.path.split("/")[1]
        if version != "v26.0":
            return Refusal(400, {"message": f"Unknown path components: /{version}", "code": 2500})
        return Refusal(400, NO_SUCH)

    def _begin(self, account: str, params: Document) -> Document | Refusal:
        rows = self._rows(account, params)
        if self.refuses_at == "begin" and len(rows) > self.most_rows:
            return self.too_much
        id = f"77{len(self._reports):04}"
        fails, self.failing = self.failing > 0, max(0, self.failing - 1)
        self._reports[id] = {"rows": rows, "polls": self.polls, "fails": fails}
        return {"report_run_id": id}

    def _run(self, id: str) -> Document:
        report = self._reports[id]
        status, percent, more = "Job Completed", 100, {}
        if report["polls"] > 0:
            report["polls"] -= 1
            # Meta at times says that a report is complete before it is.
            status, percent = ("Job Completed", 90) if self.polls > 1 else ("Job Running", 10)
        elif report["fails"]:
            status, percent = "Job Failed", 0
            more = self.fails_with
        elif self.refuses_at == "run" and len(report["rows"]) > self.most_rows:
            status, percent = "Job Failed", 0
            more = {"error_code": 100, "error_subcode": 1487534, "error_user_msg": "Too many rows"}
        return {"id": id, "async_status": status, "async_percent_completion": percent, **more}

    def _rows(self, account: str, params: Document) -> list[Document]:
        """One row per campaign or ad, and day, as asked for."""
        level, span = params["level"], orjson.loads(params["time_range"])
        fields = orjson.loads(params["fields"])
        if level == "account":
            return self._of_account(account, span["since"], span["until"])
        assert orjson.loads(params["action_attribution_windows"]) == list(WINDOWS)
        filters = {it["field"]: it["value"] for it in orjson.loads(params["filtering"])}
        objects = self.campaigns if level == "campaign" else self.ads
        statuses = filters.get(f"{level}.effective_status", ["ACTIVE", "PAUSED", "ARCHIVED"])
        found: dict[tuple[str, str], list[Day]] = {}
        for it in self.days:
            key = it.campaign if level == "campaign" else it.ad
            if (
                key is not None
                and it.account == account
                and span["since"] <= it.day <= span["until"]
                and objects[key]["effective_status"] in statuses
                and it.campaign in filters.get("campaign.id", [it.campaign])
            ):
                day = it.day if params["time_increment"] == "1" else ""
                found.setdefault((key, day), []).append(it)
        rows = [self._row(level, *key, held) for key, held in found.items()]
        fields += ["date_start", "date_stop"]
        return [{name: row[name] for name in fields if name in row} for row in rows]

    def _of_account(self, account: str, since: str, until: str) -> list[Document]:
        """What an account spent by day, deleted campaigns and unlisted ones included."""
        total = {day: Decimal(it) for day, it in self.unlisted.items()}
        for it in self.days:
            if it.account == account:
                total[it.day] = total.get(it.day, Decimal(0)) + Decimal(it.spend)
        return [
            {"spend": str(spend), "date_start": day, "date_stop": day}
            for day, spend in total.items()
            if since <= day <= until
        ]

    def _row(self, level: str, id: str, day: str, held: list[Day]) -> Document:
        campaign = held[0].campaign
        [account] = [it for it in self.accounts if it["account_id"] == held[0].account]
        row = {
            "account_currency": account["currency"], "campaign_id": campaign,
            "campaign_name": self.campaigns[campaign]["name"],
            "objective": self.campaigns[campaign]["objective"],
            "date_start": day or held[0].day, "date_stop": day or held[-1].day,
            "spend": str(sum(Decimal(it.spend) for it in held)),
            "impressions": str(sum(it.impressions for it in held)),
            "clicks": str(sum(it.clicks for it in held)),
        }  # fmt: skip
        if level == "ad":
            row |= {name: it for name, it in self.ads[id].items() if name.startswith("ad")}
        if level == "ad" or self.tells_campaigns:
            elsewhere = sum(it.elsewhere for it in held)
            for name, told in (
                ("actions", [it.actions for it in held]),
                ("action_values", [it.values for it in held]),
            ):
                if stats := _stats(told, elsewhere):
                    row[name] = stats
        return row | self.row_more

    def _page(self, request: Request, params: Document, found: list[Document]) -> Document:
        """A page, and the address of the next one, which has the token in it as Meta's do."""
        size = min(int(params.get("limit", 25)), self.page)
        begin = int(params.get("after", "0"))
        end = begin + size
        paging: Document = {"cursors": {"before": str(begin), "after": str(end)}}
        if end < len(found):
            paging["next"] = f"{request.url}&after={end}&access_token={self.token}"
        return {"data": found[begin:end], "paging": paging}


def _stats(told: list[dict[str, tuple[int, int, int, int]]], elsewhere: int) -> list[Document]:
    """Actions by type, windows without any left out; `value` is of 7 days of a click, 1 of a view.

    A report has all sorts of actions.
    """
    stats = [{"action_type": "link_click", "value": "3"}] if any(told) else []
    for kind in sorted({name for it in told for name in it}):
        sums = [sum(it[kind][n] for it in told if kind in it) for n in range(len(WINDOWS))]
        windows = {name: str(it) for name, it in zip(WINDOWS, sums, strict=True) if it}
        stats.append({"action_type": kind, "value": str(sums[1] + sums[3] + elsewhere), **windows})
    return stats
