"""What a vendor may say of its API beside what all say: which errors pass, waits, new access."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
import pytest
import requests
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingestion.errors import SourceError
from ingestion.http import Api, ApiClient, NoAnswerError, Pace, Patience
from ingestion.sandbox.server import serving

PATIENCE = Patience(attempts=4, first_wait=0.01, longest_wait=0.05, timeout=(2.0, 2.0))
ANYTHING = MappingProxyType[str, type]({})


@dataclass
class Script:
    """Answers with these responses in turn, then with what is good; knows who asked how."""

    responses: list[Response] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    good: object = field(default_factory=lambda: {"is_good": True})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = (await request.body()).decode()
        self.asked.append((request.method, request.headers.get("authorization", ""), body))
        response = self.responses.pop(0) if self.responses else told(200, self.good)
        await response(scope, receive, send)


class Vendor(Api):
    """Codes in the body say what passes; access can be had anew."""

    label, results = "Vendor", "$"

    def __init__(self, url: str) -> None:
        self.token = BearerTokenAuth("secret-1")
        super().__init__("ads", url, "secret-1", self.token)
        self.renewals = 0

    def pace(self, path: str) -> Pace:
        return Pace(1_000)

    def is_good(self, document: Any) -> bool:
        return isinstance(document, list) or document.get("is_good") is True

    def message(self, document: Any) -> object:
        return document["error"]["message"]

    @property
    def secrets(self) -> Iterable[str]:
        return ("secret-1", "secret-2", "another-secret")

    def is_passing(self, response: requests.Response) -> bool:
        return response.json()["error"].get("code") in (17, 4)

    def told_wait(self, response: requests.Response) -> float | None:
        return response.json()["error"].get("wait")

    def renew(self, response: requests.Response) -> bool:
        if response.request.headers["Authorization"] != "Bearer secret-1":
            return False
        self.renewals += 1
        self.token.token = "secret-2"
        return True


class Plain(Vendor):
    """Says nothing of all this."""

    secrets = Api.secrets
    is_passing, told_wait, renew = Api.is_passing, Api.told_wait, Api.renew


def told(status: int, document: object, **headers: str) -> Response:
    return Response(orjson.dumps(document), status, headers, media_type="application/json")


def refused(status: int, message: str = "No.", **more: object) -> Response:
    return told(status, {"error": {"message": message, **more}})


@contextmanager
def client(script: Script, vendor: type[Vendor] = Vendor) -> Iterator[tuple[ApiClient, Vendor]]:
    with serving(script) as url:
        api = vendor(url)
        yield ApiClient(api, PATIENCE), api


def test_a_status_of_400_may_pass() -> None:
    script = Script([refused(400, code=17), refused(400, code=4)])
    with client(script) as (reading, _):
        assert reading.document("/x", ANYTHING).results == [{"is_good": True}]
    assert len(script.asked) == 3


def test_a_status_of_500_may_not_pass() -> None:
    script = Script([refused(500, "Please reduce the amount of data", code=1)])
    with client(script) as (reading, _), pytest.raises(SourceError, match="reduce the am") as error:
        reading.document("/x", ANYTHING)
    assert not isinstance(error.value, NoAnswerError)
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("response", "asked"),
    [(refused(400, code=17), 1), (refused(500), 2), (refused(429), 2), (refused(401), 1)],
)
def test_what_says_nothing_goes_by_status(response: Response, asked: int) -> None:
    script = Script([response])
    with client(script, Plain) as (reading, _):
        if asked == 1:
            with pytest.raises(SourceError):
                reading.document("/x", ANYTHING)
        else:
            reading.document("/x", ANYTHING)
    assert len(script.asked) == asked


def test_a_wait_that_is_told_is_kept_up_to_the_longest() -> None:
    script = Script([refused(400, code=17, wait=900)])
    with client(script) as (reading, _):
        began = time.monotonic()
        reading.document("/x", ANYTHING)
        assert 0.05 <= time.monotonic() - began < 5
    headers = [told(429, {"error": {"message": "Slow."}}, **{"Retry-After": "1"})]
    with client(Script(headers), Plain) as (reading, _):
        began = time.monotonic()
        reading.document("/x", ANYTHING)
        assert 0.05 <= time.monotonic() - began < 1


def test_access_is_renewed_and_the_request_sent_again_with_it() -> None:
    script = Script([refused(401)])
    with client(script) as (reading, api):
        reading.document("/x", ANYTHING)
        reading.document("/x", ANYTHING, json={"a": 1})
        assert api.renewals == 1
    assert script.asked == [
        ("GET", "Bearer secret-1", ""),
        ("GET", "Bearer secret-2", ""),
        ("POST", "Bearer secret-2", '{"a": 1}'),
    ]


def test_access_that_is_refused_anew_is_an_error() -> None:
    script = Script([refused(401), refused(401)])
    with client(script) as (reading, _), pytest.raises(SourceError, match="status 401: No"):
        reading.document("/x", ANYTHING)
    assert len(script.asked) == 2


def test_no_secret_is_in_a_message_nor_what_the_address_has() -> None:
    message = "secret-1 and another-secret are not secret-2"
    script = Script([refused(403, message)])
    with client(script) as (reading, _), pytest.raises(SourceError) as error:
        reading.document("/x?access_token=another-secret&after=abc", ANYTHING)
    assert str(error.value) == "source ads: GET /x: status 403: *** and *** are not ***"


def test_an_answer_may_be_a_list() -> None:
    script = Script(good=[{"results": [1]}, {"results": [2]}])
    with client(script) as (reading, _):
        assert reading.document("/x", ANYTHING, data="q=1").results == script.good
    assert [(method, body) for method, _, body in script.asked] == [("POST", "q=1")]
