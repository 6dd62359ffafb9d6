"""LinkedIn's Marketing API over a world: accounts, campaigns, creatives, and adAnalytics.

Finders of Rest.li 2.0, of the versions of a year up to 202610:
  `GET /rest/adAccounts?q=search`, `/rest/adAccounts/{id}`;
  `GET /rest/adAccounts/{id}/adCampaigns?q=search`, `…/{id}/creatives?q=criteria`, and each by id;
  `GET /rest/adAnalytics?q=analytics`, which has no pages and ends silently after so many elements.
A query string too long for a URL comes as a form, with `X-HTTP-Method-Override: GET`.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Mapping, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.systems.faults import Faults, Window
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.systems.linkedin_ads import analytics, restli
from ingestion.sandbox.systems.linkedin_ads.entities import (
    PLATFORM,
    STATUSES,
    Account,
    Document,
    accounts,
    key_of,
    wanted,
)
from ingestion.sandbox.systems.linkedin_ads.errors import (
    LinkedInError,
    NoAccessError,
    NotFoundError,
    ParameterError,
    SyntaxLinkedInError,
)
from ingestion.sandbox.systems.linkedin_ads.restli import Value
from ingestion.sandbox.world import World

VERSIONS = ("202511", "202512", *(f"2026{month:02d}" for month in range(1, 11)))
PROTOCOL = "2.0.0"
QUERY_LIMIT, URL_LIMIT = 4_096, 8_192
PAGE_DEFAULT = 100
PAGE_LIMITS = {"adAccounts": 1_000, "adCampaigns": 1_000, "creatives": 100}
FORM = "application/x-www-form-urlencoded"
AGAIN = "+"
"""Ends a cursor to a page that has been given before."""
PAGING = ("q", "pageSize", "pageToken", "sortOrder", "fields")
SEARCHED = {
    "adAccounts": {"id": "id", "name": "name", "reference": "reference", "type": "type",
                   "status": "status"},
    "adCampaigns": {"id": "id", "name": "name", "campaignGroup": "campaignGroup", "type": "type",
                    "status": "status"},
}  # fmt: skip
"""Fields that `search` may narrow, and what they are of a document."""


class LinkedInAdsApi(FaultyApi):
    """The company's LinkedIn Ads behind the API, with its limits and the faults that it is told."""

    def __init__(self, world: World, secret: str, faults: Faults | None = None) -> None:
        self._linkedin = LinkedInAds(secret)
        super().__init__(self._linkedin, world, faults)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts that the access shows now, by id."""
        return self._linkedin.accounts


class LinkedInAds:
    """The application that answers well."""

    system = PLATFORM

    def __init__(self, token: str) -> None:
        self._token = token
        self._faults: Faults | None = None
        self._used = self._asked = 0

    def show(self, world: World, faults: Faults) -> None:
        """Answer from this state of a world from now on, with these faults.

        With other faults the token is a new one, as far as its end goes.
        """
        if faults is not self._faults:
            self._used = 0
        self._faults, self._today = faults, world.state.day
        self._elements, self._is_shuffled = faults.elements, faults.out_of_order
        self._token_requests = faults.token_requests
        self._shuffle = random.Random(faults.seed)
        self.accounts = accounts(world.state, faults.forbidden)

    def refused(self, request: Request) -> Response | None:
        """The answer where the token or the version is wrong, or the URL too long."""
        self._asked += 1
        try:
            self._check(request)
        except LinkedInError as error:
            return _problem(error)
        return None

    def _check(self, request: Request) -> None:
        query = request.scope["query_string"]
        if len(query) > QUERY_LIMIT or len(str(request.url)) > URL_LIMIT:
            raise LinkedInError(414, "Request URI Too Long", "URI_TOO_LONG")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise LinkedInError(401, "Empty oauth2 access token", "EMPTY_ACCESS_TOKEN", 65604)
        if token != self._token:
            raise LinkedInError(401, "Invalid access token", "INVALID_ACCESS_TOKEN", 65600)
        self._used += 1
        if self._token_requests and self._used > self._token_requests:
            raise LinkedInError(
                401, "The token used in the request has expired", "EXPIRED_ACCESS_TOKEN", 65602
            )
        version = request.headers.get("linkedin-version")
        if version is None:
            raise LinkedInError(
                400,
                "A version must be present. Please specify a version by adding the "
                "LinkedIn-Version header.",
                "VERSION_MISSING",
            )
        if not re.fullmatch(r"\d{6}(\.\d{2})?", version):
            raise LinkedInError(400, f"Invalid version {version}", "INVALID_VERSION")
        if version not in VERSIONS:
            raise LinkedInError(
                426, f"Requested version {version[:6]}01 is not active", "NONEXISTENT_VERSION"
            )

    def is_search(self, path: str) -> bool:
        """There is one limit for all."""
        return False

    def too_many(self, path: str, faults: Faults) -> Response:
        """A request above the rate."""
        return _problem(
            LinkedInError(
                429, "Resource level throttle limit for calls to this resource is reached.",
                "TOO_MANY_REQUESTS", 101,
            )
        )  # fmt: skip

    def server_error(self) -> Response:
        """A request that was not answered."""
        return _problem(LinkedInError(500, "Internal Server Error", "INTERNAL_SERVER_ERROR"))

    def headers(self, limit: Window) -> Mapping[str, str]:
        """The protocol, and a number for whoever asks LinkedIn about a request."""
        return {"X-RestLi-Protocol-Version": PROTOCOL, "x-li-uuid": f"sandbox{self._asked:012d}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            given = restli.read(await _query(request))
            response = _of(self._answer(request, given))
        except LinkedInError as error:
            response = _problem(error)
        await response(scope, receive, send)

    def _answer(self, request: Request, given: Mapping[str, Value]) -> Document:
        parts = request.url.path.strip("/").split("/")
        match parts:
            case ["rest", "adAnalytics"]:
                return self._report(request, given)
            case ["rest", "adAccounts"]:
                shown = [account.document for account in self.accounts.values()]
                return self._page("adAccounts", shown, "search", given, request)
            case ["rest", "adAccounts", key]:
                return _single(self._account(key, "adAccounts").document, given, request)
            case ["rest", "adAccounts", key, "adCampaigns"]:
                campaigns = list(self._account(key, "adCampaigns").campaigns.values())
                return self._page("adCampaigns", campaigns, "search", given, request)
            case ["rest", "adAccounts", key, "adCampaigns", campaign]:
                found = self._account(key, "adCampaigns").campaigns.get(campaign)
                return _single(found, given, request)
            case ["rest", "adAccounts", key, "creatives"]:
                creatives = list(self._account(key, "creatives").creatives.values())
                return self._page("creatives", creatives, "criteria", given, request)
            case ["rest", "adAccounts", key, "creatives", name]:
                account = self._account(key, "creatives")
                creative = key_of(name, "sponsoredCreative", "id")
                return _single(account.creatives.get(creative), given, request)
        raise NotFoundError(f"No virtual resource found: {request.url.path}")

    def _account(self, key: str, resource: str) -> Account:
        account = self.accounts.get(key)
        if account is None:
            raise NoAccessError(f"{resource} of urn:li:sponsoredAccount:{key}")
        return account

    def _page(
        self,
        resource: str,
        documents: Sequence[Document],
        finder: str,
        given: Mapping[str, Value],
        request: Request,
    ) -> Document:
        """A page of what a finder finds."""
        _check_finder(given, finder, request)
        kept = _found(resource, documents, given)
        size = _page_size(given, PAGE_LIMITS[resource])
        start, is_again = _position(given.get("pageToken"))
        page = kept[start : start + size]
        if self._is_shuffled:
            page = self._shuffle.sample(page, len(page))
        request.state.rows = len(page)
        names = _projection(given)
        told: Document = {"elements": [_projected(each, names) for each in page]}
        following = start if request.state.repeat and not is_again else start + size
        if following < len(kept):
            again = AGAIN if following == start else ""
            token = base64.urlsafe_b64encode(f"{following}{again}".encode()).decode().rstrip("=")
            told["metadata"] = {"nextPageToken": f"DgG{token}"}
        return told

    def _report(self, request: Request, given: Mapping[str, Value]) -> Document:
        _check_finder(given, "analytics", request)
        found = analytics.elements(self.accounts, analytics.question(given, self._today))
        if self._is_shuffled:
            found = self._shuffle.sample(found, len(found))
        found = found[: self._elements]
        request.state.rows = len(found)
        return {"elements": found, "paging": {"start": 0, "count": 10, "links": []}}


async def _query(request: Request) -> str:
    """The query string of a request, of the URL or tunnelled in a form. Raises LinkedInError."""
    query = str(request.scope["query_string"].decode())
    if request.method == "POST" and request.headers.get("x-http-method-override") == "GET":
        if request.headers.get("content-type", "").partition(";")[0] != FORM or query:
            raise LinkedInError(400, "Unsupported content type of a tunnelled query")
        query = (await request.body()).decode()
    elif request.method != "GET":
        raise LinkedInError(405, f"{request.method} is not part of the sandbox")
    protocol = request.headers.get("x-restli-protocol-version", "1.0.0")
    if protocol not in ("1.0.0", PROTOCOL):
        message = f"Rest.li protocol version {protocol} used by the client is not supported!"
        raise LinkedInError(400, message)
    if protocol != PROTOCOL and "(" in query:
        raise SyntaxLinkedInError
    return query


def _check_finder(given: Mapping[str, Value], finder: str, request: Request) -> None:
    if "q" not in given or given["q"] != finder:
        raise LinkedInError(
            400, f"No '{given.get('q')}' finder on resource {request.url.path}", "ILLEGAL_ARGUMENT"
        )
    if request.headers.get("x-restli-method", "FINDER").upper() != "FINDER":
        raise LinkedInError(400, "The X-RestLi-Method header does not fit the query")


def _found(
    resource: str, documents: Sequence[Document], given: Mapping[str, Value]
) -> list[Document]:
    """The documents that the parameters of a finder ask for, in its order."""
    is_creatives = resource == "creatives"
    own = ("campaigns", "creatives", "intendedStatuses") if is_creatives else ("search",)
    for name in given:
        if name not in (*PAGING, *own):
            raise ParameterError(name, "QUERY_PARAM_NOT_ALLOWED")
    order = given.get("sortOrder", "ASCENDING")
    if order not in ("ASCENDING", "DESCENDING"):
        raise ParameterError("sortOrder")
    if is_creatives:
        kept = _creatives(documents, given)
    else:
        is_wanted = wanted(given.get("search"), SEARCHED[resource])
        kept = [each for each in documents if is_wanted(each)]
    return kept if order == "ASCENDING" else kept[::-1]


def _creatives(documents: Sequence[Document], given: Mapping[str, Value]) -> list[Document]:
    kept = list(documents)
    for name, field, kind in (
        ("campaigns", "campaign", "sponsoredCampaign"), ("creatives", "id", "sponsoredCreative"),
    ):  # fmt: skip
        if name in given:
            values = _listed(given[name], name)
            for value in values:
                key_of(value, kind, name)
            kept = [each for each in kept if each[field] in values]
    if "intendedStatuses" in given:
        statuses = _listed(given["intendedStatuses"], "intendedStatuses")
        if not set(map(str, statuses)) <= set(STATUSES):
            raise ParameterError("intendedStatuses")
        kept = [each for each in kept if each["intendedStatus"] in statuses]
    return kept


def _listed(given: Value, name: str) -> list[Value]:
    if not isinstance(given, list):
        raise ParameterError(name)
    return given


def _page_size(given: Mapping[str, Value], most: int) -> int:
    text = given.get("pageSize", str(PAGE_DEFAULT))
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,6}", text):
        raise ParameterError("pageSize")
    if not 1 <= int(text) <= most:
        raise ParameterError("pageSize")
    return int(text)


def _position(token: Value | None) -> tuple[int, bool]:
    """Where a cursor leads, and whether its page has been given before."""
    if token is None:
        return 0, False
    text = str(token).removeprefix("DgG")
    try:
        told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        raise ParameterError("pageToken") from None
    match = re.fullmatch(r"(\d{1,9})(\+?)", told)
    if match is None:
        raise ParameterError("pageToken")
    return int(match[1]), bool(match[2])


def _single(document: Document | None, given: Mapping[str, Value], request: Request) -> Document:
    for name in given:
        if name != "fields":
            raise ParameterError(name, "QUERY_PARAM_NOT_ALLOWED")
    if document is None:
        raise NotFoundError(f"{request.url.path} was not found")
    request.state.rows = 1
    return _projected(document, _projection(given))


def _projection(given: Mapping[str, Value]) -> tuple[str, ...]:
    fields = given.get("fields")
    if fields is not None and not isinstance(fields, str):
        raise ParameterError("fields")
    return tuple(fields.split(",")) if fields else ()


def _projected(document: Document, names: tuple[str, ...]) -> Document:
    """A document, or the fields of it that are named; names that it lacks say nothing."""
    return {name: document[name] for name in names if name in document} if names else document


def _of(document: Document, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")


def _problem(error: LinkedInError) -> Response:
    return _of(error.document(), error.status)
