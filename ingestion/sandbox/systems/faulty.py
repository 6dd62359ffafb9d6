"""A vendor's API that misbehaves as told: its limits, its faults and its log, whatever the vendor.

What is the vendor's is a `Vendor`: an ASGI application that answers well, and a few words about how
it refuses. Served so:

    class StripeApi(FaultyApi):
        def __init__(self, world: World, key: str, faults: Faults | None = None) -> None:
            super().__init__(Stripe(key), world, faults)

    api = StripeApi(world, "sk_test_1")
    with serving(api) as url:  # of ingestion.sandbox.server
        api.faults = Faults(drop=0.1)  # at any time
        api.show(later_world)
        api.requests  # what was asked, and how it was answered
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.utils import format_datetime
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ingestion.sandbox.systems.faults import Fault, Faults, Mishaps, Window
from ingestion.sandbox.world import World

SEARCH_SECONDS = 1.0


@dataclass(frozen=True)
class Asked:
    """One line of the request log. `rows`: inputs or page size; `status` 0: no answer given."""

    system: str
    method: str
    path: str
    query: str
    status: int
    rows: int
    fault: Fault | None


class Vendor(Protocol):
    """The vendor's application: an ASGI app, and what of limits and faults is the vendor's own.

    The app answers every request that gets through to it, its own errors included. Of a request
    it finds, and sets, in `request.state`:
      `repeat`: whether the page asked for is to come twice (fault `duplicate`): the app leads to it
      once more, by a cursor that looks like another one;
      `rows`: set by the app, for the log: inputs or size of the page. 0 unless set.
    Of the faults that `show` is given, those are the app's which hang on what it answers:
    `out_of_order`, `index_lag_seconds`, `drift`, `removed_stages`, `forbidden`, and those of
    tokens, reports and elements.
    """

    system: str
    """Its name in the log and in the address file: that of the source type, "hubspot"."""

    def show(self, world: World, faults: Faults) -> None:
        """Answer from this state of a world from now on, with these faults.

        Called before the first request, and at each change of either.
        """

    def refused(self, request: Request) -> Response | None:
        """The answer to a request that comes no further: a wrong key, a URL too long."""

    def is_search(self, path: str) -> bool:
        """Whether a request falls under `searches_per_second`, not `requests_per_interval`."""

    def too_many(self, path: str, faults: Faults) -> Response:
        """The 429 of a request above the rate, or of fault `rate_limited`."""

    def server_error(self) -> Response:
        """The 5xx of fault `server_error`."""

    def headers(self, limit: Window) -> Mapping[str, str]:
        """What every answer's headers tell, whatever its status; of the limit, if anything."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: a Starlette app, or routes of one's own."""


class FaultyApi:
    """The ASGI application that is served.

    `faults` may be set at any time, here or with PUT /_sandbox/faults; GET /_sandbox/requests
    gives the request log as JSON lines. `show` puts another state of the world behind the API.
    Answers are dated by the world.
    """

    def __init__(self, vendor: Vendor, world: World, faults: Faults | None = None) -> None:
        self._vendor, self._world = vendor, world
        self.requests: list[Asked] = []
        self.faults = faults or Faults()

    @property
    def world(self) -> World:
        """The state of the world that it answers from."""
        return self._world

    @property
    def faults(self) -> Faults:
        """How the server misbehaves."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._mishaps = Mishaps(faults)
        self._limit = Window(faults.requests_per_interval, faults.interval_seconds)
        self._search_limit = Window(faults.searches_per_second, SEARCH_SECONDS)
        self.show(self._world)

    def show(self, world: World) -> None:
        """Answer from this state of a world from now on."""
        self._world = world
        self._vendor.show(world, self._faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or let its fault happen."""
        request = Request(scope, receive)
        if scope["path"].startswith("/_sandbox/"):
            return await (await self._administer(request))(scope, receive, send)
        fault = self._mishaps.next()
        request.state.repeat, request.state.rows = fault == "duplicate", 0
        response = await self._answer(request, fault)
        self.requests.append(
            Asked(
                self._vendor.system, request.method, scope["path"],
                scope["query_string"].decode(),
                response.status_code if fault not in ("hang", "drop", "cut") else 0,
                request.state.rows, fault,
            )
        )  # fmt: skip
        response.headers["date"] = format_datetime(self._world.now, usegmt=True)
        if fault == "hang":
            await asyncio.sleep(self._faults.hang_seconds)
        if fault in ("hang", "drop"):
            return await _hang_up(send)
        if fault == "cut":
            response.body = response.body[: len(response.body) // 2]
            await response(scope, receive, send)
            return await _hang_up(send)
        if fault == "truncate":
            response = Response(
                response.body[: len(response.body) // 2], response.status_code,
                dict(response.headers) | {"content-length": str(len(response.body) // 2)},
            )  # fmt: skip
        await response(scope, receive, send)

    async def _answer(self, request: Request, fault: Fault | None) -> Response:
        path = request.url.path
        limit = self._search_limit if self._vendor.is_search(path) else self._limit
        within = limit.take()
        response = self._vendor.refused(request)
        if response is None:
            if fault == "rate_limited" or not within:
                response = self._vendor.too_many(path, self._faults)
            elif fault == "server_error":
                response = self._vendor.server_error()
            else:
                response = await _answered(self._vendor, request)
        response.headers.update(self._vendor.headers(limit))
        return response

    async def _administer(self, request: Request) -> Response:
        match request.method, request.url.path:
            case "PUT", "/_sandbox/faults":
                try:
                    self.faults = Faults.from_json(orjson.loads(await request.body()))
                except (AttributeError, TypeError, ValueError) as error:
                    return Response(str(error), 400)
                return Response(orjson.dumps(asdict(self.faults)), media_type="application/json")
            case "GET", "/_sandbox/requests":
                lines = b"".join(orjson.dumps(asked) + b"\n" for asked in self.requests)
                return Response(lines, media_type="application/jsonl")
        return Response("no such thing", 404)


async def _answered(vendor: Vendor, request: Request) -> Response:
    """The app's answer, whole."""
    head: Message = {}
    parts: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
        else:
            parts.append(message.get("body", b""))

    await vendor(request.scope, request.receive, keep)
    response = Response(b"".join(parts), head["status"])
    response.raw_headers = list(head["headers"])
    return response


async def _hang_up(send: Send) -> None:
    """Close the connection under the server's feet; only its own object knows the socket."""
    cycle: Any = getattr(send, "__self__")  # noqa: B009
    cycle.transport.abort()
    await asyncio.sleep(0.01)
