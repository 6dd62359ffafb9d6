"""Meta's Marketing API, read only, over a world.

Accounts, campaigns, and insights: at once, or as reports that are asked for and read when they are
complete. The access token is the only one that there is; accounts that the faults say are forbidden
were not shared with its owner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.systems.faults import Faults, Window
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.systems.meta_ads import insights, questions
from ingestion.sandbox.systems.meta_ads.books import (
    ACCOUNT_FIELDS,
    CAMPAIGN_FIELDS,
    CAMPAIGN_STATUSES,
    Books,
    Document,
)
from ingestion.sandbox.systems.meta_ads.errors import (
    ExpiredTokenError,
    GraphError,
    NoPermissionError,
    NoTokenError,
    OldVersionError,
    ParameterError,
    TooManyError,
    UnexpectedError,
    UnknownObjectError,
    UnknownPathError,
    UnknownProblemError,
    WrongTokenError,
)
from ingestion.sandbox.systems.meta_ads.insights import Report
from ingestion.sandbox.systems.meta_ads.questions import Question
from ingestion.sandbox.systems.meta_ads.reports import RUN_FIELDS, Runs
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AdAccount

T = TypeVar("T")
VERSION = "v26.0"
VERSIONS = ("v24.0", "v25.0", VERSION)
UNLISTED = ("ARCHIVED", "DELETED")
"""Campaigns of these statuses are in a list only if they are asked for."""


class MetaAdsApi(FaultyApi):
    """An advertiser behind Meta's Marketing API, with its limits and the faults it is told."""

    def __init__(self, world: World, token: str, faults: Faults | None = None) -> None:
        self._meta = Meta(token)
        super().__init__(self._meta, world, faults)

    @property
    def books(self) -> Books:
        """What it answers from now."""
        return self._meta.books


class Meta:
    """The application that answers well."""

    system = "meta_ads"

    def __init__(self, token: str) -> None:
        self._token = token
        self._faults = Faults()
        self._traces = self._problems = self._used = 0
        self._runs = Runs()

    def show(self, world: World, faults: Faults) -> None:
        """Answer from this state of a world from now on, with these faults."""
        if faults is not self._faults:
            self._faults, self._used = faults, 0
            self._runs.misbehave(faults)
        self.books = Books(world)

    def refused(self, request: Request) -> Response | None:
        """Nothing: tokens come in bodies, too."""
        return None

    def is_search(self, path: str) -> bool:
        """There are no searches."""
        return False

    def too_many(self, path: str, faults: Faults) -> Response:
        """A request above the rate: of insights, or of anything else."""
        is_insights = path.endswith("/insights")
        kind = "ads_insights" if is_insights else "ads_management"
        response = self._problem(
            TooManyError(
                80000,
                "There have been too many calls from this ads-insights account. Please wait a bit "
                "and try again.",
            )
            if is_insights
            else TooManyError(17, "User request limit reached")
        )
        usage = {
            "type": kind, "call_count": 100, "total_cputime": 41, "total_time": 38,
            "estimated_time_to_regain_access": faults.retry_after_seconds // 60,
            "ads_api_access_tier": "standard_access",
        }  # fmt: skip
        response.headers["x-business-use-case-usage"] = json.dumps({"9100000001": [usage]})
        response.headers["x-ad-account-usage"] = json.dumps(
            {
                "acc_id_util_pct": 100.0,
                "reset_time_duration": faults.retry_after_seconds,
                "ads_api_access_tier": "standard_access",
            }
        )
        if is_insights:
            response.headers["x-fb-ads-insights-throttle"] = _throttle(100)
        return response

    def server_error(self) -> Response:
        """A request that was not answered; only every other one says that it may pass."""
        self._problems += 1
        return self._problem(UnknownProblemError() if self._problems % 2 else UnexpectedError())

    def headers(self, limit: Window) -> Mapping[str, str]:
        """The version, and what to tell Meta's support."""
        return {"facebook-api-version": VERSION, "x-fb-trace-id": self._trace()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            question = await questions.read(request)
            self._check_token(request, question)
            response = _of(self._answer(request, question))
            if request.url.path.endswith("/insights"):
                response.headers["x-fb-ads-insights-throttle"] = _throttle(0)
        except GraphError as error:
            response = self._problem(error)
        await response(scope, receive, send)

    def _check_token(self, request: Request, question: Question) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = question.given.get("access_token") or (bearer if scheme == "Bearer" else "")
        if not token:
            raise NoTokenError("An access token is required to request this resource.")
        if token != self._token:
            raise WrongTokenError("Invalid OAuth access token - Cannot parse access token")
        self._used += 1
        if 0 < self._faults.token_requests < self._used:
            raise ExpiredTokenError(
                "Error validating access token: Session has expired on "
                f"{self.books.now:%A, %d-%b-%y %H:%M:%S} UTC."
            )

    def _answer(self, request: Request, question: Question) -> Document:
        method, path = request.method, request.url.path
        version, _, rest = path.strip("/").partition("/")
        if not re.fullmatch(r"v\d+\.\d+", version):
            raise UnknownPathError(f"Unknown path components: {path}")
        if version not in VERSIONS:
            if float(version[1:]) > float(VERSION[1:]):
                raise UnknownPathError(f"Unknown path components: {path}")
            raise OldVersionError(
                "You are calling a deprecated version of the Ads API. Please update to the latest "
                f"version: {VERSION}."
            )
        node, _, edge = rest.partition("/")
        if method == "GET" and (node, edge) == ("me", "adaccounts"):
            return self._accounts(request, question)
        if (run := self._runs.find(node)) and method == "GET":
            if not edge:
                question.refuse_unknown(())
                return _chosen(run.document(), question.fields(), RUN_FIELDS, "AdReportRun")
            if edge == "insights":
                run.refuse_unless_complete()
                question.refuse_unknown(())
                return self._page(request, question, run.order, run.report.row)
        account, campaign_id = self._node(method, node)
        if edge == "insights" and method in ("GET", "POST"):
            return self._insights(request, question, account, campaign_id)
        if method == "GET" and not edge:
            return self._object(question, account, campaign_id)
        if method == "GET" and edge == "campaigns" and campaign_id is None:
            return self._campaigns(request, question, account)
        raise UnknownPathError(f"Unknown path components: /{edge}")

    def _node(self, method: str, node: str) -> tuple[AdAccount, str | None]:
        """The account that a node is, or that of the campaign that it is."""
        known = {f"act_{account.id}": account for account in self.books.accounts.values()}
        campaigns = {c.id: c.account for c in self.books.campaign_of.values()}
        account = known.get(node) or campaigns.get(node)
        if account is None:
            raise UnknownObjectError(method, node)
        if self._is_forbidden(account):
            raise NoPermissionError(
                "Ad account owner has NOT grant ads_management or ads_read permission"
            )
        return account, node if node in campaigns else None

    def _is_forbidden(self, account: AdAccount) -> bool:
        return account.id in self._faults.forbidden

    def _accounts(self, request: Request, question: Question) -> Document:
        question.refuse_unknown(())
        shown = [a for a in self.books.accounts.values() if not self._is_forbidden(a)]
        return self._page(
            request,
            question,
            shown,
            lambda account: _chosen(
                self.books.account_document(account),
                question.fields() or ["id", "account_id"],
                ACCOUNT_FIELDS,
                "AdAccount",
            ),
        )

    def _object(self, question: Question, account: AdAccount, campaign_id: str | None) -> Document:
        question.refuse_unknown(())
        if campaign_id is None:
            document = self.books.account_document(account)
            return _chosen(document, question.fields(), ACCOUNT_FIELDS, "AdAccount")
        [row] = self.books.rows_of(account, campaign_id)
        document = self.books.campaign_of[row].document()
        return _chosen(document, question.fields(), CAMPAIGN_FIELDS, "Campaign")

    def _campaigns(self, request: Request, question: Question, account: AdAccount) -> Document:
        question.refuse_unknown(("effective_status",))
        wanted = question.words("effective_status")
        if wanted is None:
            wanted = [status for status in CAMPAIGN_STATUSES if status not in UNLISTED]
        if unknown := set(wanted) - set(CAMPAIGN_STATUSES):
            raise ParameterError(
                f"effective_status: '{sorted(unknown)[0]}' must be one of the following values: "
                f"{', '.join(CAMPAIGN_STATUSES)}"
            )
        return self._page(
            request,
            question,
            [found for found in self.books.campaigns(account) if found.status in wanted],
            lambda found: _chosen(found.document(), question.fields(), CAMPAIGN_FIELDS, "Campaign"),
        )

    def _insights(
        self, request: Request, question: Question, account: AdAccount, campaign_id: str | None
    ) -> Document:
        level = "account" if campaign_id is None else "campaign"
        asked = insights.asked(question, account, self.books, level)
        campaigns = self.books.rows_of(account, campaign_id)
        report = Report(asked, account, campaigns, self.books)
        if request.method == "POST":
            run = self._runs.ask(report, int(self.books.now.timestamp()))
            return {"report_run_id": run.id}
        return self._page(request, question, self._runs.order(report), report.row)

    def _page(
        self,
        request: Request,
        question: Question,
        found: Sequence[T],
        document: Callable[[T], Document],
    ) -> Document:
        """A page of a list: whether there is another one is told by `next` alone.

        A page that comes twice is led to by a cursor that looks like another one, and comes no
        third time.
        """
        place, is_end = question.offset()
        limit = question.limit()
        start = max(place - limit, 0) if is_end else place
        stop = min(place, len(found)) if is_end else min(start + limit, len(found))
        data = [document(item) for item in found[start:stop]]
        request.state.rows = len(data)
        if not data:
            return {"data": []}
        again = questions.cursor(start, "again")
        comes_again = request.state.repeat and question.given.get("after") != again
        after = again if comes_again else questions.cursor(stop)
        paging: Document = {"cursors": {"before": questions.cursor(start), "after": after}}
        if start > 0:
            before = {"before": paging["cursors"]["before"]}
            paging["previous"] = self._link(request, question, before)
        if stop < len(found) or comes_again:
            paging["next"] = self._link(request, question, {"after": after})
        return {"data": data, "paging": paging}

    def _link(self, request: Request, question: Question, place: Mapping[str, str]) -> str:
        """The address of another page: the access token is in it, whoever reads it."""
        kept = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in question.given.items()
            if name not in ("after", "before", "access_token")
        }
        query = urlencode({"access_token": self._token, **kept, **place})
        return str(request.url.replace(query=query))

    def _problem(self, error: GraphError) -> Response:
        response = _of(error.document(self._trace()), error.status)
        response.headers["www-authenticate"] = (
            f'OAuth "Facebook Platform" "invalid_request" "{error}"'
        )
        return response

    def _trace(self) -> str:
        self._traces += 1
        return f"A{self._traces:010d}"


def _of(document: Document, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json; charset=UTF-8")


def _chosen(
    document: Document, fields: Collection[str] | None, known: Collection[str], node: str
) -> Document:
    """The fields of a node that are asked for, and its id; those that are empty are left out."""
    wanted = fields if fields is not None else (known if node == "AdReportRun" else ())
    for name in wanted:
        if name not in known:
            raise ParameterError(
                f"Tried accessing nonexisting field ({name}) on node type ({node})"
            )
    return {name: document[name] for name in dict.fromkeys((*wanted, "id")) if name in document}


def _throttle(percent: int) -> str:
    return json.dumps(
        {
            "app_id_util_pct": percent,
            "acc_id_util_pct": percent,
            "ads_api_access_tier": "standard_access",
        }
    )
