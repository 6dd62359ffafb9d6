"""The Google Ads API over a world, by REST: reports in its query language, accounts, and tokens.

`POST /token` gives access tokens, as https://oauth2.googleapis.com/token does. Then, each with an
access token; a developer token is ignored, as Google has done since September 2026:
  `GET /v26/customers:listAccessibleCustomers`: the accounts that the user is in;
  `POST /v26/customers/{id}/googleAds:searchStream`: rows of a query, an array of objects.
Accounts under the manager, but the first of them, are reached with its id in `login-customer-id`.
The client's secret and the refresh token are both the one secret.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.systems.faults import Faults, Window
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.systems.google_ads import answers, report
from ingestion.sandbox.systems.google_ads.customers import (
    DIRECT,
    PLATFORM,
    Customer,
    customers,
)
from ingestion.sandbox.systems.google_ads.errors import (
    BodyError,
    GoogleAdsError,
    NotAllowedError,
    PassingError,
    TooManyError,
    WrongTokenError,
)
from ingestion.sandbox.systems.google_ads.gaql import parse
from ingestion.sandbox.systems.google_ads.plan import plan
from ingestion.sandbox.systems.google_ads.tokens import TokenError, Tokens
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import GOOGLE_MANAGER, AdAccount
from ingestion.sandbox.world.advertising import today_of
from ingestion.sandbox.world.calendar import day_of

VERSIONS = ("v23", "v24", "v25", "v26")
LATEST = VERSIONS[-1]
TOKEN_PATH = "/token"
STREAM = ":searchStream"
_PATH = re.compile(
    r"/(v\d+)/(customers:listAccessibleCustomers|customers/([^/]*)/googleAds:searchStream)"
)
_HELP = (
    "User doesn't have permission to access customer. Note: If you're accessing a client customer, "
    "the manager's customer id must be set in the 'login-customer-id' header. See "
    "https://developers.google.com/google-ads/api/docs/concepts/call-structure#cid"
)


class GoogleAdsApi(FaultyApi):
    """The company's Google Ads behind the API, with its limits and the faults that it is told.

    A page that comes twice has no like here: such a stream breaks off, in an object with an error.
    """

    def __init__(self, world: World, secret: str, faults: Faults | None = None) -> None:
        self._google_ads = GoogleAds(secret)
        super().__init__(self._google_ads, world, faults)

    @property
    def customers(self) -> Mapping[str, Customer]:
        """The accounts that the access shows now, by id."""
        return self._google_ads.customers


class GoogleAds:
    """The application that answers well."""

    system = PLATFORM

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._tokens = Tokens(secret)
        self._asked = 0

    def show(self, world: World, faults: Faults) -> None:
        """Answer from this state of a world from now on, with these faults."""
        self._faults, self._now = faults, world.state.now
        self._shuffle = random.Random(faults.seed)
        self.customers = customers(world.state, faults.forbidden)

    def refused(self, request: Request) -> Response | None:
        """The answer where a token is missing, wrong or no longer good."""
        self._asked += 1
        path = request.url.path
        if path == TOKEN_PATH:
            return None
        try:
            self._check_tokens(request)
        except GoogleAdsError as error:
            return self._problem(error, path)
        return None

    def _check_tokens(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise WrongTokenError(
                "OAUTH_TOKEN_HEADER_INVALID", "OAuth token HTTP header is malformed."
            )
        if not self._tokens.knows(token):
            raise WrongTokenError("OAUTH_TOKEN_INVALID", "OAuth token in the header is not valid.")
        if not self._tokens.use(token, self._faults.token_requests):
            raise WrongTokenError("OAUTH_TOKEN_EXPIRED", "OAuth token in the header has expired.")

    def is_search(self, path: str) -> bool:
        """There is one limit for all."""
        return False

    def too_many(self, path: str, faults: Faults) -> Response:
        """A request above the rate."""
        return self._problem(TooManyError(faults.retry_after_seconds), path)

    def server_error(self) -> Response:
        """A request that was not answered."""
        return answers.of([PassingError().document(LATEST, self._request_id())], 503)

    def headers(self, limit: Window) -> Mapping[str, str]:
        """The number of the request, for whoever asks Google about it."""
        return {"request-id": self._request_id()}

    def _request_id(self) -> str:
        return f"sandbox{self._asked:015d}"

    def _problem(self, error: GoogleAdsError | BodyError, path: str) -> Response:
        """An error as an answer: of a stream, in an array as its rows."""
        match = re.match(r"/(v\d+)/", path)
        version = match[1] if match and match[1] in VERSIONS else LATEST
        document: dict[str, Any] = (
            error.document() if isinstance(error, BodyError)
            else error.document(version, self._request_id())
        )  # fmt: skip
        status = document["error"]["code"]
        return answers.of([document] if path.endswith(STREAM) else document, status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._route(request)
        except TokenError as error:
            response = answers.of(error.document(), error.status)
        except (GoogleAdsError, BodyError) as error:
            response = self._problem(error, request.url.path)
        await response(scope, receive, send)

    async def _route(self, request: Request) -> Response:
        path, method = request.url.path, request.method
        if path == TOKEN_PATH and method == "POST":
            content_type = request.headers.get("content-type", "")
            return answers.of(self._tokens.grant(content_type, await request.body()))
        match = _PATH.fullmatch(path)
        if match is None or method != ("POST" if match[3] is not None else "GET"):
            return answers.unknown_page(html.escape(path))
        self._check_version(match[1])
        if match[3] is None:
            shown = [f"customers/{key}" for key in DIRECT if key in self.customers]
            return answers.of({"resourceNames": shown})
        return self._streamed(self._customer(match[3], request), await _query(request), request)

    @staticmethod
    def _check_version(version: str) -> None:
        if version in VERSIONS:
            return
        if int(version[1:]) > int(LATEST[1:]):
            raise BodyError("Method not found.", "NOT_FOUND")
        raise GoogleAdsError(
            "requestError", "UNSUPPORTED_VERSION",
            f"Version {version} is deprecated. Requests to this version will be blocked.",
        )  # fmt: skip

    def _customer(self, key: str, request: Request) -> Customer:
        """The account of a request, reached the way that it asks. Raises GoogleAdsError."""
        if not re.fullmatch(r"\d{10}", key):
            raise GoogleAdsError(
                "requestError", "INVALID_CUSTOMER_ID", f"Invalid customer ID '{key}'."
            )
        login = request.headers.get("login-customer-id")
        if login is not None and not re.fullmatch(r"\d{10}", login):
            raise GoogleAdsError(
                "headerError", "INVALID_LOGIN_CUSTOMER_ID",
                "The login customer ID could not be validated.",
            )  # fmt: skip
        found, through = self.customers.get(key), login or key
        is_reached = through in DIRECT and through in (key, GOOGLE_MANAGER)
        if found is None or through not in self.customers or not is_reached:
            raise NotAllowedError("USER_PERMISSION_DENIED", _HELP)
        if found.status != "ENABLED":
            raise NotAllowedError(
                "CUSTOMER_NOT_ENABLED",
                "The customer account can't be accessed because it is not yet enabled or has been "
                "deactivated.",
            )
        return found

    def _streamed(self, customer: Customer, text: str, request: Request) -> Response:
        zone = AdAccount(PLATFORM, customer.id, customer.name, customer.currency, customer.timezone)
        planned = plan(parse(text), day_of(today_of(zone, self._now)))
        found = report.rows(customer, list(self.customers.values()), planned)
        if self._faults.out_of_order and not planned.query.order:
            self._shuffle.shuffle(found)
        request.state.rows = len(found)
        documents = [report.document(row, planned) for row in found]
        broken = None
        if request.state.repeat:
            broken = PassingError().document(LATEST, self._request_id())
        return answers.stream(documents, report.field_mask(planned), self._request_id(), broken)


async def _query(request: Request) -> str:
    """The query of a request. Raises BodyError."""
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError:
        raise BodyError("Invalid JSON payload received. Unexpected token.") from None
    if not isinstance(body, dict):
        raise BodyError(
            'Invalid JSON payload received. Unknown name "": Root element must be a message.'
        )
    for name in body:
        if name not in ("query", "summaryRowSetting", "summary_row_setting"):
            raise BodyError(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            )
    if len(body) > ("query" in body):
        raise BodyError("Summary rows are not part of the sandbox.", "UNIMPLEMENTED")
    query = body.get("query", "")
    if not isinstance(query, str):
        raise BodyError("Invalid value at 'query' (TYPE_STRING)")
    if not query.strip():
        raise GoogleAdsError(
            "requestError", "REQUIRED_FIELD_MISSING", "Required field is missing: query.",
            location={"fieldPathElements": [{"fieldName": "query"}]},
        )  # fmt: skip
    return query
