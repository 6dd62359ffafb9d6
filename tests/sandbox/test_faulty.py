"""The sandbox's faults are the same for a vendor of whatever manners."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator, Mapping

import pytest
import requests
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults, Window
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.world import World


class Echo:
    """A vendor that tells what it was asked, in pieces, and refuses who says nothing."""

    system = "echo"

    def show(self, world: World, faults: Faults) -> None:
        self.shown = world, faults

    def refused(self, request: Request) -> Response | None:
        return None if "greeting" in request.headers else PlainTextResponse("greet me", 401)

    def is_search(self, path: str) -> bool:
        return path == "/find"

    def too_many(self, path: str, faults: Faults) -> Response:
        return PlainTextResponse(
            f"slower at {path}", 429, {"wait": str(faults.retry_after_seconds)}
        )

    def server_error(self) -> Response:
        return PlainTextResponse("ouch", 503)

    def headers(self, limit: Window) -> Mapping[str, str]:
        return {"left": str(limit.remaining)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        said = (await request.body()).decode()
        request.state.rows = len(said)
        response = JSONResponse({"said": said, "again": request.state.repeat})
        start = {"status": 200, "headers": response.raw_headers}
        await send({"type": "http.response.start", **start})
        for part in (response.body[:3], response.body[3:]):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FaultyApi, str, Echo]]:
    vendor = Echo()
    api = FaultyApi(vendor, World.found(seed=5, scale=0.02))
    with serving(api) as url:
        yield api, url, vendor


@pytest.fixture
def api(served: tuple[FaultyApi, str, Echo]) -> FaultyApi:
    served[0].faults = Faults()
    served[0].requests.clear()
    return served[0]


@pytest.fixture
def url(served: tuple[FaultyApi, str, Echo], api: FaultyApi) -> str:
    return served[1]


def say(url: str, what: str = "hello", **more: object) -> requests.Response:
    return requests.post(url, what, headers={"greeting": "hi"}, timeout=5, **more)


def test_a_good_answer_comes_whole_dated_by_the_world_and_logged(api: FaultyApi, url: str) -> None:
    answer = say(f"{url}/a?b=c")
    assert answer.json() == {"said": "hello", "again": False}
    dated = email.utils.parsedate_to_datetime(answer.headers["date"])
    assert dated == api.world.now.replace(microsecond=0)
    [asked] = api.requests
    assert (asked.system, asked.method, asked.path, asked.query) == ("echo", "POST", "/a", "b=c")
    assert (asked.status, asked.rows, asked.fault) == (200, 5, None)


def test_who_is_refused_comes_no_further_whatever_the_fault(api: FaultyApi, url: str) -> None:
    api.faults = Faults(server_error=1.0)
    assert requests.get(url, timeout=5).status_code == 401
    assert say(url).status_code == 503


def test_each_limit_is_its_own_and_speaks_the_vendors_words(api: FaultyApi, url: str) -> None:
    api.faults = Faults(
        requests_per_interval=2, interval_seconds=60, searches_per_second=0, retry_after_seconds=9
    )
    answers = [say(f"{url}/{path}") for path in ("a", "b", "c", "find")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer.headers["left"] for answer in answers] == ["1", "0", "0", "0"]
    assert answers[2].text == "slower at /c"
    assert answers[3].headers["wait"] == "9"


def test_a_burst_of_errors_ends(api: FaultyApi, url: str) -> None:
    api.faults = Faults(server_error=0.5, burst=4, seed=2)
    statuses = [say(url).status_code for _ in range(40)]
    runs = "".join("x" if status == 503 else "." for status in statuses).split(".")
    assert {len(run) % 4 for run in runs[:-1]} == {0}
    assert 200 in statuses


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("drop", requests.ConnectionError),
        ("cut", requests.exceptions.ChunkedEncodingError),
        ("hang", requests.ReadTimeout),
    ],
)
def test_a_connection_breaks_as_told_and_the_log_says_so(
    api: FaultyApi, url: str, fault: str, raised: type[Exception]
) -> None:
    api.faults = Faults(**{fault: 1.0}, hang_seconds=1)
    with pytest.raises(raised):
        requests.post(url, "hello", headers={"greeting": "hi"}, timeout=0.3)
    assert [(asked.status, asked.fault) for asked in api.requests] == [(0, fault)]


def test_half_an_answer_may_look_whole(api: FaultyApi, url: str) -> None:
    api.faults = Faults(truncate=1.0)
    answer = say(url)
    assert (answer.status_code, answer.text) == (200, '{"said":"hello"')
    assert answer.headers["content-length"] == str(len(answer.content))


def test_what_hangs_on_the_answer_is_told_to_the_vendor(
    served: tuple[FaultyApi, str, Echo], api: FaultyApi, url: str
) -> None:
    faults = Faults(duplicate=1.0, out_of_order=True)
    api.faults = faults
    assert say(url).json()["again"] is True
    world = World.found(seed=6, scale=0.02)
    api.show(world)
    assert served[2].shown == (world, faults)


def test_faults_and_log_are_reached_by_http_and_are_not_in_the_log(
    api: FaultyApi, url: str
) -> None:
    told = requests.put(f"{url}/_sandbox/faults", json={"drop": 0.25}, timeout=5)
    assert told.json()["drop"] == api.faults.drop == 0.25
    for wrong in ('{"nope": 1}', "[]", "no JSON"):
        assert requests.put(f"{url}/_sandbox/faults", wrong, timeout=5).status_code == 400
    assert api.faults.drop == 0.25
    assert requests.get(f"{url}/_sandbox/nothing", timeout=5).status_code == 404
    api.faults = Faults()
    say(f"{url}/x")
    [line] = requests.get(f"{url}/_sandbox/requests", timeout=5).text.splitlines()
    assert '"system":"echo"' in line
