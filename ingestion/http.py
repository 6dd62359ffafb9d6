"""APIs over HTTP: paced to their rate limits, patient with what passes, plain about the rest.

A connector says what is particular to its vendor (`Api`), and reads lists page by page, each result
of a `Shape` (`ApiClient`). What does not come, or comes otherwise, is a SourceError that names the
source, the path and what to do, never a secret.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from dlt.common import jsonpath
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from dlt.sources.helpers.rest_client.paginators import BasePaginator, SinglePagePaginator

from ingestion.errors import SourceError, first_line

RETRIED_STATUS = frozenset({408, 429})
TRANSIENT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
SHOWN = 60
WHOLE = jsonpath.compile_path("$")

Shape = Mapping[str, type | tuple[type, ...]]
"""Members that each result has, with their types."""


class NoAnswerError(SourceError):
    """The API cannot be reached now."""


@dataclass(frozen=True)
class Place:
    """A source and a path of its vendor's API, as messages name them."""

    label: str
    source: str
    path: str = ""

    def __str__(self) -> str:
        return f"source {self.source}: {self.path}" if self.path else f"source {self.source}"


class MalformedAnswerError(SourceError):
    """An answer is not as the vendor documents it."""

    def __init__(self, place: Place, what: str) -> None:
        label = place.label
        super().__init__(
            f"{place}: the answer is not as {label} documents it: {what}. Nothing of this source "
            f"was loaded; see whether the url is {label}'s and whether {label} reports an "
            "incident, and run again later"
        )


@dataclass(frozen=True)
class Patience:
    """How long to wait for an answer, and how often to ask again. Times are seconds.

    Waits double from `first_wait` to at most `longest_wait`; a Retry-After is obeyed up to
    `longest_wait`. `timeout` is for connecting, and for each part of an answer.
    """

    attempts: int = 8
    first_wait: float = 0.5
    longest_wait: float = 60.0
    timeout: tuple[float, float] = (10.0, 60.0)


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


class Api(ABC):
    """What is particular to a vendor's API, as one source reads it.

    `label` is the vendor's name; `results` the JSON path of an answer's results.
    """

    label: ClassVar[str]
    results: ClassVar[str]

    def __init__(self, source: str, url: str, secret: str, auth: AuthConfigBase) -> None:
        self.source, self.url, self.secret, self.auth = source, url, secret, auth

    @abstractmethod
    def pace(self, path: str) -> Pace:
        """The pace of requests of this path: the same object for those that share a limit."""

    def told_rate(self, headers: Mapping[str, str]) -> float | None:
        """The requests per second that an answer allows from now on, if it says so."""
        return None

    @abstractmethod
    def is_good(self, document: Any) -> bool:
        """Whether an answer of status 200 holds what was asked for; else it is asked again."""

    @abstractmethod
    def message(self, document: Any) -> object:
        """What an error's answer says. KeyError or TypeError where it says nothing."""

    @property
    def secrets(self) -> Iterable[str]:
        """What no message may have: all that gives access, where that is more than `secret`."""
        return (self.secret,)

    def is_passing(self, response: requests.Response) -> bool:
        """Whether an answer that is no success may be one when it is asked for again.

        By its status; a vendor may mean by a code in the body what others say by a status.
        """
        return response.status_code in RETRIED_STATUS or response.status_code >= 500

    def told_wait(self, response: requests.Response) -> float | None:
        """The seconds after which an answer that passes asks to be asked again, if it does."""
        seconds = response.headers.get("Retry-After", "").strip()
        return float(seconds) if seconds.isdigit() else None

    def renew(self, response: requests.Response) -> bool:
        """Get new access where the one that an answer of status 401 refused was good for a while.

        Where this is true the request is sent again with `auth`, the same object, which has it
        then, as long as there are attempts. So it is false where new access was refused at once.
        Several threads may ask: one that finds access renewed since `response.request` has nothing
        to do.
        Raises SourceError where new access is refused.
        """
        return False

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """The error that an answer is which does not pass, with the remedy."""
        return SourceError(problem)

    def refuse_other(self, response: requests.Response, place: Place) -> None:
        """Raise SourceError where a good answer is one to another question than was asked."""
        return

    def place(self, path: str = "") -> Place:
        """The source and a path, as messages name them."""
        return Place(self.label, self.source, path)


def secret_of(source: str, variable: str, what: str) -> str:
    """The token or key that an environment variable holds; `what` says in words what it is.

    Raises SourceError where it is not set, or cannot be one.
    """
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise SourceError(
            f"source {source}: the environment variable {variable} is not set; it holds {what}"
        )
    if not re.fullmatch(r"[!-~]+", secret):
        raise SourceError(
            f"source {source}: what the environment variable {variable} holds cannot be right: "
            "it has blanks, line ends or letters that no token has"
        )
    return secret


class PatientSession(requests.Session):
    """Sends requests at the pace that is allowed and repeats those that may yet succeed.

    Answers come back only when they are good: JSON is parsed, errors are SourceErrors that name
    path, status and the vendor's message.
    """

    def __init__(self, api: Api, patience: Patience) -> None:
        super().__init__()
        self._api, self._patience = api, patience
        self.is_stopped = threading.Event()
        self.trust_env = urlsplit(api.url).hostname != "127.0.0.1"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send until there is a good answer. Raises SourceError."""
        path = urlsplit(request.url or "").path
        place = self._api.place(f"{request.method} {path}")
        pace = self._api.pace(path)
        kwargs["timeout"] = self._patience.timeout
        for attempt in range(1, self._patience.attempts + 1):
            pace.wait()
            if self.is_stopped.is_set():
                raise SourceError(f"{place}: stopped, since another request failed")
            wait = self._backoff(attempt)
            try:
                response = super().send(request, **kwargs)
                pace.rate = self._api.told_rate(response.headers) or pace.rate
            except TRANSIENT as error:
                problem = f"{type(error).__name__} ({urlsplit(self._api.url).netloc})"
            else:
                if response.ok:
                    document = _parsed(response.content)
                    if document is not None and self._api.is_good(document):
                        self._api.refuse_other(response, place)
                        return _with_json(response, document)
                    problem = "the answer ends early, or lacks results that were asked for"
                else:
                    problem = f"status {response.status_code}: {self._message(response)}"
                    if response.status_code == 401 and self._api.renew(response):
                        request = self._api.auth(request)
                        continue
                    if not self._api.is_passing(response):
                        raise self._api.error(response, f"{place}: {problem}")
                    wait = min(self._api.told_wait(response) or wait, self._patience.longest_wait)
            if attempt < self._patience.attempts:
                time.sleep(wait)
        raise NoAnswerError(
            f"{place}: no good answer in {self._patience.attempts} attempts; the last "
            f"one: {problem}. Nothing of this source was loaded; run again later"
        )

    def _backoff(self, attempt: int) -> float:
        longest = min(self._patience.longest_wait, self._patience.first_wait * 2 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)

    def _message(self, response: requests.Response) -> str:
        try:
            text = self._api.message(_parsed(response.content))
        except (KeyError, TypeError):
            text = response.reason
        told = str(text)
        for secret in self._api.secrets:
            told = told.replace(secret, "***")
        return told


@dataclass(frozen=True)
class Page:
    """One answer's results, and the moment of it by the server's clock (naive UTC)."""

    results: list[dict[str, Any]]
    received_at: dt.datetime


class ApiClient:
    """Reads one API; several threads may."""

    def __init__(self, api: Api, patience: Patience | None = None) -> None:
        self._api = api
        self._session = PatientSession(api, patience or Patience())
        self._rest = RESTClient(
            api.url,
            auth=api.auth,
            data_selector=jsonpath.compile_path(api.results),
            session=self._session,
            config=RuntimeConfiguration(),
        )

    def stop(self) -> None:
        """Let no request begin any more: what is under way is given up."""
        self._session.is_stopped.set()

    def place(self, path: str) -> Place:
        """The source and a path, as messages name them."""
        return self._api.place(path)

    def url_length(self, path: str, **params: object) -> int:
        """How long the URL of a request is."""
        return len(f"{self._api.url}{path}?{urlencode(params)}")

    def paginate(
        self, path: str, paginator: BasePaginator, shape: Shape, **request: Any
    ) -> Iterator[Page]:
        """The pages of a list, whose results have a shape; with `json` or `data` it is a POST.

        Raises SourceError: also where a list goes on with the question that it began with.
        """
        asked: set[tuple[object, object]] = set()
        pages = self._rest.paginate(
            path,
            method="POST" if {"json", "data"} & request.keys() else "GET",
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
            yield Page(results, self._received_at(path, page.response))

    def document(self, path: str, shape: Shape, **request: Any) -> Page:
        """An answer that is no list, as the one result of a page; with `json` or `data` a POST."""
        [page] = self.paginate(path, SinglePagePaginator(), shape, data_selector=WHOLE, **request)
        return page

    def _received_at(self, path: str, response: requests.Response) -> dt.datetime:
        told = response.headers.get("Date")
        try:
            moment = parsedate_to_datetime(told) if told else dt.datetime.now(dt.UTC)
        except ValueError:
            raise MalformedAnswerError(self.place(path), f"its Date is {told!r}") from None
        return moment.astimezone(dt.UTC).replace(tzinfo=None)


def well_formed(place: Place, results: Iterable[Any], shape: Shape) -> list[dict[str, Any]]:
    """The results, each of which has the members of a shape. Raises MalformedAnswerError."""
    checked = list(results)
    for result in checked:
        if not isinstance(result, dict):
            raise MalformedAnswerError(place, f"a result is {_shown(result)}")
        for name, types in shape.items():
            if not isinstance(result.get(name), types):
                raise MalformedAnswerError(
                    place, f"the {name} of a result is {_shown(result, name)}"
                )
    return checked


@contextmanager
def understood(place: Place) -> Iterator[None]:
    """Raise as MalformedAnswerError what comes of answers that nobody can read."""
    import duckdb

    try:
        yield
    except (
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
        *(duckdb.DataError, duckdb.InvalidInputException),
    ) as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise MalformedAnswerError(place, what) from error


def _with_json(response: requests.Response, document: Any) -> requests.Response:
    """The response with its JSON at hand, so that nobody parses it again."""
    response.json = lambda **_: document  # type: ignore[method-assign]
    return response


def _parsed(content: bytes) -> Any:
    """An answer's JSON; None where it is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _shown(value: Any, name: str | None = None) -> str:
    if name is not None and name not in value:
        return "missing"
    text = repr(value if name is None else value[name])
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
