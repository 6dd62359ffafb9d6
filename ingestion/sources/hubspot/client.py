"""HubSpot over HTTP: paced to its rate limits, patient with what passes, plain about the rest."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from dlt.common import jsonpath
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)

from ingestion.errors import SourceError
from ingestion.sources.hubspot.answers import (
    ENTRY,
    LINK,
    LINKS,
    RECORD,
    MalformedAnswerError,
    Shape,
    well_formed,
)
from ingestion.sources.hubspot.scopes import MissingScopeError, objects_of, without
from ingestion.sources.hubspot.settings import HubSpotSource

PAGE = 100
HISTORY_PAGE = 50
SEARCH_PAGE = 200
ASSOCIATIONS_PAGE = 1_000
OWNERS_PAGE = 500
LONGEST_URL = 7_500
"""HubSpot refuses longer ones from 8,000 characters on (status 414); a cursor needs some, too."""

NOT_FOUND = "OBJECT_NOT_FOUND"
RETRIED_STATUS = frozenset({408, 429})
TRANSIENT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

_RESULTS = jsonpath.compile_path("results")
_NEXT = jsonpath.compile_path("paging.next.after")


class NoAnswerError(SourceError):
    """The portal cannot be reached now."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for an answer, and how often to ask again. Times are seconds.

    Waits double from `first_wait` to at most `longest_wait`; a Retry-After is obeyed up to
    `longest_wait`.
    """

    attempts: int = 8
    first_wait: float = 0.5
    longest_wait: float = 60.0
    timeout: tuple[float, float] = (10.0, 60.0)


@dataclass(frozen=True)
class Page:
    """One answer's results, and the moment of it by the server's clock (naive UTC)."""

    results: list[dict[str, Any]]
    received_at: dt.datetime


class Pace:
    """A token bucket: at most `rate` requests per second, bursts of one second's worth.

    The rate is the documented limit until the server tells its own.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._tokens = max(1.0, rate)
        self._filled_at = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Sleep until a request of this thread is due."""
        with self._lock:
            now = time.monotonic()
            gained = (now - self._filled_at) * self.rate
            self._tokens = min(max(1.0, self.rate), self._tokens + gained) - 1.0
            self._filled_at = now
            missing = -self._tokens / self.rate
        if missing > 0:
            time.sleep(missing)

    def heed(self, headers: Mapping[str, str]) -> None:
        """Adopt the limit that an answer's headers tell, less a margin for other users of it."""
        most = headers.get("X-HubSpot-RateLimit-Max", "")
        interval = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
        if most.isdigit() and interval.isdigit() and int(most) and int(interval):
            self.rate = 0.9 * int(most) * 1_000 / int(interval)


class PatientSession(requests.Session):
    """Sends requests at the pace that is allowed and repeats those that may yet succeed.

    Answers come back only when they are good: JSON is parsed, errors are SourceErrors that name
    path, status and HubSpot's message, never the token.
    """

    def __init__(self, source: HubSpotSource, token: str, patience: Patience) -> None:
        super().__init__()
        self._source, self._token, self._patience = source, token, patience
        self._pace, self._search_pace = Pace(10.0), Pace(4.0)
        self.is_stopped = threading.Event()
        self.trust_env = urlsplit(source.url).hostname != "127.0.0.1"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send until there is a good answer. Raises SourceError."""
        path = f"{request.method} {urlsplit(request.url or '').path}"
        pace = self._search_pace if path.endswith("/search") else self._pace
        kwargs["timeout"] = self._patience.timeout
        for attempt in range(1, self._patience.attempts + 1):
            pace.wait()
            if self.is_stopped.is_set():
                raise SourceError(f"{self._place(path)}: stopped, since another request failed")
            wait = self._backoff(attempt)
            try:
                response = super().send(request, **kwargs)
                pace.heed(response.headers)
            except TRANSIENT as error:
                problem = type(error).__name__
            else:
                if response.ok:
                    document = _document(response.content)
                    if document is not None:
                        return _parsed(response, document)
                    problem = "the answer ends early, or lacks results that were asked for"
                else:
                    problem = f"status {response.status_code}: {self._message(response)}"
                    if response.status_code not in RETRIED_STATUS and response.status_code < 500:
                        raise self._error(response, f"{self._place(path)}: {problem}")
                    wait = self._retry_after(response) or wait
            if attempt < self._patience.attempts:
                time.sleep(wait)
        raise NoAnswerError(
            f"{self._place(path)}: no good answer in {self._patience.attempts} attempts; the last "
            f"one: {problem}. Nothing of this source was loaded; run again later"
        )

    def _backoff(self, attempt: int) -> float:
        longest = min(self._patience.longest_wait, self._patience.first_wait * 2 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)

    def _retry_after(self, response: requests.Response) -> float | None:
        seconds = response.headers.get("Retry-After", "").strip()
        if not seconds.isdigit():
            return None
        return min(float(seconds), self._patience.longest_wait)

    def _place(self, path: str) -> str:
        return f"source {self._source.name}: {path}"

    def _message(self, response: requests.Response) -> str:
        try:
            text = orjson.loads(response.content)["message"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            text = response.reason
        return str(text).replace(self._token, "***")

    def _error(self, response: requests.Response, problem: str) -> SourceError:
        path = urlsplit(response.url).path
        if response.status_code == 403:
            return MissingScopeError.of(self._source, path, problem, response.content)
        if response.status_code == 401:
            problem += f"; check the token in the environment variable {self._source.token_env}"
        elif "/properties/" in path:
            problem += f"; if the portal has none, {without(self._source, objects_of(path))}"
        return SourceError(problem)


def _document(content: bytes) -> dict[str, Any] | None:
    """A good answer's JSON: it has results, and nothing is missing but what does not exist."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("results"), list):
        return None
    errors = document.get("errors") or []
    if not isinstance(errors, list) or any(_is_failure(error) for error in errors):
        return None
    return document


def _is_failure(error: Any) -> bool:
    return not isinstance(error, dict) or error.get("category") != NOT_FOUND


def _parsed(response: requests.Response, document: dict[str, Any]) -> requests.Response:
    """The response with its JSON at hand, so that nobody parses it again."""
    response.json = lambda **_: document  # type: ignore[method-assign]
    return response


class ById(BasePaginator):
    """Pages a search by id: the next page is what lies beyond the greatest id so far.

    Positions do not work: HubSpot gives none beyond 10,000, and thousands of records may bear one
    timestamp after a bulk update.
    """

    def init_request(self, request: requests.Request) -> None:
        """Begin below all ids."""
        self._last_id = 0
        self.update_request(request)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Note the greatest id; there is more when there are more matches than results."""
        found = data or []
        before, ids = self._last_id, [int(record["id"]) for record in found]
        self._last_id = max(ids, default=before)
        self._has_next_page = bool(found) and response.json()["total"] > len(found)
        if self._has_next_page and self._last_id <= before:
            raise MalformedAnswerError(response.url, "a search goes on with ids that it had before")

    def update_request(self, request: requests.Request) -> None:
        """Ask for what lies beyond."""
        beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": str(self._last_id)}
        body = cast(dict[str, Any], request.json)
        [group] = body["filterGroups"]
        filters = [held for held in group["filters"] if held["propertyName"] != "hs_object_id"]
        request.json = {**body, "filterGroups": [{"filters": [*filters, beyond]}]}


class HubSpotClient:
    """Reads one portal; several threads may."""

    def __init__(self, source: HubSpotSource, patience: Patience | None = None) -> None:
        token = os.environ.get(source.token_env, "").strip()
        if not token:
            raise SourceError(
                f"source {source.name}: the environment variable {source.token_env} is not set; "
                "it holds the access token of a private app of the portal"
            )
        if not re.fullmatch(r"[!-~]+", token):
            raise SourceError(
                f"source {source.name}: what the environment variable {source.token_env} holds is "
                "no access token: it has blanks, line ends or letters that no token has"
            )
        self._name = source.name
        self._source_url = source.url
        self._session = PatientSession(source, token, patience or Patience())
        self._rest = RESTClient(
            source.url,
            auth=BearerTokenAuth(token),
            data_selector=_RESULTS,
            session=self._session,
            config=RuntimeConfiguration(),
        )

    def stop(self) -> None:
        """Let no request begin any more: what is under way is given up."""
        self._session.is_stopped.set()

    def fits_url(self, path: str, **params: object) -> bool:
        """Whether a list may be asked for with these parameters in its URL."""
        return len(f"{self._source_url}{path}?{urlencode(params)}") <= LONGEST_URL

    def pages(self, path: str, shape: Shape, **params: object) -> Iterator[Page]:
        """All pages of a list that goes on by cursor; its results have a shape."""
        cursor = JSONResponseCursorPaginator(cursor_path=_NEXT, cursor_param="after")
        yield from self._paginate(path, cursor, shape, params=params)

    def whole(self, path: str, shape: Shape) -> Page:
        """A list that comes in one answer; its results have a shape."""
        [page] = self._paginate(path, SinglePagePaginator(), shape)
        return page

    def modified(
        self, name: str, property_name: str, since: dt.datetime, until: dt.datetime
    ) -> Iterator[Page]:
        """Ids of the records of an object modified in [since, until), in pages by id."""
        bounds = [("GTE", since), ("LT", until)]
        body = {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": property_name, "operator": operator, "value": _ms(moment)}
                        for operator, moment in bounds
                    ]
                }
            ],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["hs_object_id"],
            "limit": SEARCH_PAGE,
        }
        yield from self._paginate(f"/crm/v3/objects/{name}/search", ById(), ENTRY, json=body)

    def read(
        self,
        name: str,
        ids: Sequence[str],
        properties: Sequence[str],
        history: Sequence[str],
        archived: bool = False,
    ) -> Page:
        """Records by id, either archived ones or the others; those that are not are left out."""
        body = {
            "inputs": [{"id": record_id} for record_id in ids],
            "properties": list(properties),
            "propertiesWithHistory": list(history),
        }
        flag = str(archived).lower()
        return self._post(f"/crm/v3/objects/{name}/batch/read?archived={flag}", body, RECORD)

    def associations(self, name: str, to_name: str, ids: Sequence[str]) -> Iterator[Page]:
        """What records are associated with, as many answers as the longest lists need."""
        path = f"/crm/v4/associations/{name}/{to_name}/batch/read"
        inputs: list[dict[str, str]] = [{"id": record_id} for record_id in ids]
        while inputs:
            page = self._post(path, {"inputs": inputs}, LINKS)
            for found in page.results:
                well_formed(self.place(path), [found["from"]], ENTRY)
                well_formed(self.place(path), found["to"], LINK)
            yield page
            before, inputs = (
                inputs,
                [
                    {"id": found["from"]["id"], "after": found["paging"]["next"]["after"]}
                    for found in page.results
                    if found.get("paging")
                ],
            )
            if inputs and inputs == before:
                raise MalformedAnswerError(self.place(path), "a list goes on with what it had")

    def place(self, path: str) -> str:
        """The source and a path, as messages name them."""
        return f"source {self._name}: {path}"

    def _post(self, path: str, body: dict[str, Any], shape: Shape) -> Page:
        [page] = self._paginate(path, SinglePagePaginator(), shape, json=body)
        return page

    def _paginate(
        self, path: str, paginator: BasePaginator, shape: Shape, **request: Any
    ) -> Iterator[Page]:
        asked: set[tuple[object, object]] = set()
        pages = self._rest.paginate(
            path,
            method="POST" if "json" in request else "GET",
            paginator=paginator,
            hooks={"response": []},
            **request,
        )
        for page in pages:
            question = page.response.request.url, page.response.request.body
            if question in asked:
                raise MalformedAnswerError(self.place(path), "a list goes on with what it had")
            asked.add(question)
            results = well_formed(self.place(path), page, shape)
            yield Page(results, _received_at(page.response))


def _received_at(response: requests.Response) -> dt.datetime:
    told = response.headers.get("Date")
    try:
        moment = parsedate_to_datetime(told) if told else dt.datetime.now(dt.UTC)
    except ValueError:
        raise MalformedAnswerError(response.url, f"its Date is {told!r}") from None
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _ms(moment: dt.datetime) -> str:
    return str(int(moment.replace(tzinfo=dt.UTC).timestamp() * 1_000))
