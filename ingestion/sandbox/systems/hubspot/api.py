"""HubSpot's CRM API (objects v3, associations v4, owners, pipelines, properties) over a world."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from email.utils import format_datetime
from typing import Any

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.systems.faults import Fault, Faults, Mishaps, Window
from ingestion.sandbox.systems.hubspot import answers, directory, questions, search
from ingestion.sandbox.systems.hubspot.associations import Associations
from ingestion.sandbox.systems.hubspot.errors import (
    BadRequestError,
    ForbiddenError,
    HubSpotError,
    NotFoundError,
    UnauthorizedError,
)
from ingestion.sandbox.systems.hubspot.portal import Portal, Wanted, object_type
from ingestion.sandbox.systems.hubspot.schema import ObjectType
from ingestion.sandbox.world import World

PAGE_LIMIT = 100
HISTORY_PAGE_LIMIT = 50
ASSOCIATION_LIMIT = 1_000
OWNER_PAGE_LIMIT = 500
URL_LIMIT = 8_000

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Asked:
    """One line of the request log. `rows`: inputs or page size; `status` 0: no answer given."""

    method: str
    path: str
    query: str
    status: int
    rows: int
    fault: Fault | None


class HubSpotApi:
    """The ASGI application.

    `faults` may be set at any time, here or with PUT /_sandbox/faults; GET /_sandbox/requests
    gives the request log as JSON lines. `show` puts another state of the world behind the API.
    """

    def __init__(self, world: World, token: str, faults: Faults | None = None) -> None:
        self._token = token
        self._world = world
        self.requests: list[Asked] = []
        self.faults = faults or Faults()
        self._routes = self._all_routes()

    @property
    def faults(self) -> Faults:
        """How the server misbehaves."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._mishaps = Mishaps(faults)
        self._shuffle = random.Random(faults.seed)
        self._limit = Window(faults.requests_per_interval, faults.interval_seconds)
        self._search_limit = Window(faults.searches_per_second, 1.0)
        self.show(self._world)

    def show(self, world: World) -> None:
        """Answer from this state of a world from now on."""
        self._world = world
        self._portal = Portal(world, dict(self._faults.drift))
        self._associations = Associations(self._portal)

    def _all_routes(self) -> list[Route]:
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/crm/v3/objects/{type}", self._list),
            ("POST", "/crm/v3/objects/{type}/search", self._search),
            ("POST", "/crm/v3/objects/{type}/batch/read", self._batch_read),
            ("GET", "/crm/v3/objects/{type}/{id:int}", self._read),
            ("POST", "/crm/v4/associations/{from}/{to}/batch/read", self._read_associations),
            ("GET", "/crm/v3/owners", self._owners),
            ("GET", "/crm/v3/owners/", self._owners),
            ("GET", "/settings/v3/users/teams", self._teams),
            ("GET", "/crm/v3/pipelines/{type}", self._pipelines),
            ("GET", "/crm/v3/properties/{type}", self._properties),
            ("PUT", "/_sandbox/faults", self._set_faults),
            ("GET", "/_sandbox/requests", self._request_log),
        ]
        return [Route(path, handler, methods=[method]) for method, path, handler in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or let its fault happen."""
        request = Request(scope, receive)
        if scope["path"].startswith("/_sandbox/"):
            return await (await self._route(request))(scope, receive, send)
        fault = self._mishaps.next()
        response = await self._answer(request, fault)
        self.requests.append(
            Asked(
                request.method, scope["path"], scope["query_string"].decode(),
                response.status_code if fault not in ("hang", "drop", "cut") else 0,
                getattr(request.state, "rows", 0), fault,
            )
        )  # fmt: skip
        response.headers["date"] = format_datetime(self._portal.world.now, usegmt=True)
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
        is_search = request.url.path.endswith("/search")
        window = self._search_limit if is_search else self._limit
        within = window.take()
        try:
            self._authorize(request)
            if len(str(request.url)) > URL_LIMIT:
                response = Response("<h1>414 Request-URI Too Large</h1>", 414)
            elif fault == "rate_limited" or not within:
                policy = "SECONDLY" if is_search else "TEN_SECONDLY_ROLLING"
                response = answers.too_many(policy, self._faults.retry_after_seconds)
            elif fault == "server_error":
                response = answers.error(502, "SERVER_ERROR", "Bad gateway")
            else:
                request.state.repeat = fault == "duplicate"
                response = await self._route(request)
        except HubSpotError as problem:
            response = answers.error(problem.status, problem.category, str(problem))
        response.headers["X-HubSpot-RateLimit-Max"] = str(window.limit)
        response.headers["X-HubSpot-RateLimit-Remaining"] = str(window.remaining)
        response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(
            int(window.seconds * 1_000)
        )
        return response

    async def _route(self, request: Request) -> Response:
        for route in self._routes:
            match, scope = route.matches(request.scope)
            if match is Match.FULL:
                request.scope.update(scope)
                handler: Handler = route.endpoint
                return await handler(request)
        raise NotFoundError(f"{request.method} {request.url.path} is not part of this API")

    def _authorize(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise UnauthorizedError(
                "Authentication credentials not found. This API supports OAuth 2.0 "
                "authentication and you can find more details at https://developers.hubspot.com"
            )

    async def _list(self, request: Request) -> Response:
        kind, query = self._kind(request, "type"), request.query_params
        wanted = Wanted(questions.names(query.getlist("properties")) or kind.defaults,
                        questions.names(query.getlist("propertiesWithHistory")))  # fmt: skip
        most = HISTORY_PAGE_LIMIT if wanted.history else PAGE_LIMIT
        limit = questions.limit(query.get("limit", 10), most)
        archived = questions.is_archived(request)
        total = len(self._portal.records(kind.name, archived).rows)
        number, following = self._turn(query.get("after"), -(-total // limit), request)
        records = self._portal.page(kind.name, archived, number * limit, limit, wanted)
        request.state.rows = len(records)
        return answers.page(records, following, str(request.url.path))

    def _turn(self, after: str | None, pages: int, request: Request) -> tuple[int, str | None]:
        """The number of the page that a cursor leads to, and the next cursor.

        Cursors are opaque: the position of the page, which out of order is not its number.
        """
        position = questions.position(after)
        number = position
        if self._faults.out_of_order and position ^ 1 < pages:
            number = position ^ 1
        if request.state.repeat and not (after or "").endswith(questions.AGAIN):
            return number, f"{position}{questions.AGAIN}"
        return number, str(position + 1) if position + 1 < pages else None

    async def _search(self, request: Request) -> Response:
        kind, body = self._kind(request, "type"), await questions.body(request)
        limit = questions.limit(body.get("limit", 10), search.PAGE_LIMIT)
        start = questions.position(body.get("after"))
        if start + limit > search.RESULT_LIMIT:
            raise BadRequestError("The requested page is beyond the limit of 10000 search results")
        indexed = self._portal.now_ms - int(self._faults.index_lag_seconds * 1_000)
        positions = search.matching(self._portal, kind.name, body, indexed)
        page = positions[start : start + limit]
        if self._faults.out_of_order:
            page = np.array(self._shuffle.sample(page.tolist(), len(page)), np.int64)
        rows = self._portal.records(kind.name).rows[page]
        wanted = Wanted(questions.names(body.get("properties") or kind.defaults))
        records = self._portal.render(kind.name, False, rows, wanted)
        request.state.rows = len(records)
        following = str(start + limit) if start + limit < len(positions) else None
        return answers.page(records, following, request.url.path, total=len(positions))

    async def _batch_read(self, request: Request) -> Response:
        kind, body = self._kind(request, "type"), await questions.body(request)
        wanted = Wanted(questions.names(body.get("properties") or kind.defaults),
                        questions.names(body.get("propertiesWithHistory") or ()))  # fmt: skip
        ids = questions.inputs(body, HISTORY_PAGE_LIMIT if wanted.history else PAGE_LIMIT)
        archived = questions.is_archived(request)
        request.state.rows = len(ids)
        records, missing = self._found(kind, ids, archived, wanted)
        return answers.batch(
            records, missing, f"Could not get some {kind.name}", "OBJECT_NOT_FOUND"
        )

    def _found(
        self, kind: ObjectType, ids: list[str], archived: bool, wanted: Wanted
    ) -> tuple[list[bytes], list[str]]:
        records = self._portal.records(kind.name, archived)
        numbers = np.array([int(record_id) for record_id in ids], np.int64)
        positions = np.searchsorted(records.ids, numbers)
        known = np.append(records.ids, -1)[positions] == numbers
        rows = records.rows[positions[known]]
        missing = [record_id for record_id, found in zip(ids, known, strict=True) if not found]
        return self._portal.render(kind.name, archived, rows, wanted), missing

    async def _read(self, request: Request) -> Response:
        kind, query = self._kind(request, "type"), request.query_params
        wanted = Wanted(questions.names(query.getlist("properties")) or kind.defaults,
                        questions.names(query.getlist("propertiesWithHistory")))  # fmt: skip
        archived = questions.is_archived(request)
        records, _ = self._found(kind, [str(request.path_params["id"])], archived, wanted)
        if not records:
            raise NotFoundError("resource not found")
        return answers.of_json(records[0])

    async def _read_associations(self, request: Request) -> Response:
        from_kind, to_kind = self._kind(request, "from"), self._kind(request, "to")
        ids = questions.inputs(await questions.body(request), ASSOCIATION_LIMIT)
        request.state.rows = len(ids)
        pairs = self._associations.pairs(from_kind.name, to_kind.name)
        found = pairs.of(ids) if pairs else [None] * len(ids)
        linked = dict(zip(ids, found, strict=True))
        results = [links for links in linked.values() if links]
        missing = [record_id for record_id, links in linked.items() if not links]
        return answers.batch(
            results, missing, f"No {to_kind.name} are associated with some {from_kind.name}",
            "OBJECT_NOT_FOUND", "crm.associations.NO_ASSOCIATIONS_FOUND",
        )  # fmt: skip

    async def _owners(self, request: Request) -> Response:
        query = request.query_params
        limit = questions.limit(query.get("limit", 100), OWNER_PAGE_LIMIT)
        found = directory.owners(self._portal, questions.is_archived(request))
        number, following = self._turn(query.get("after"), -(-len(found) // limit), request)
        page = found[number * limit :][:limit]
        request.state.rows = len(page)
        return answers.page([orjson.dumps(owner) for owner in page], following, request.url.path)

    async def _teams(self, request: Request) -> Response:
        return answers.of({"results": directory.teams(self._portal)})

    async def _pipelines(self, request: Request) -> Response:
        kind = self._kind(request, "type")
        if kind.name not in ("deals", "leads"):
            raise BadRequestError(f"{kind.name} have no pipelines")
        found = self._portal.pipelines(kind.name, self._faults.removed_stages)
        return answers.of({"results": found})

    async def _properties(self, request: Request) -> Response:
        kind = self._kind(request, "type")
        found = self._portal.properties(kind.name).values()
        return answers.of({
            "results": [
                {
                    "name": known.name, "label": known.name.replace("_", " ").capitalize(),
                    "type": known.type, "fieldType": "text", "description": "",
                    "groupName": f"{kind.name}information", "options": [],
                    "hubspotDefined": not known.is_custom, "archived": False,
                }
                for known in found
            ]
        })  # fmt: skip

    async def _set_faults(self, request: Request) -> Response:
        try:
            self.faults = Faults.from_json(await questions.body(request))
        except (TypeError, ValueError) as error:
            return answers.error(400, "VALIDATION_ERROR", str(error))
        return answers.of(asdict(self.faults))

    async def _request_log(self, request: Request) -> Response:
        lines = b"".join(orjson.dumps(asked) + b"\n" for asked in self.requests)
        return Response(lines, media_type="application/jsonl")

    def _kind(self, request: Request, parameter: str) -> ObjectType:
        name = request.path_params[parameter]
        kind = object_type(name)
        if kind is None:
            raise BadRequestError(f"Unable to infer object type from: {name}")
        if kind.name in self._faults.forbidden:
            raise ForbiddenError(
                "This app hasn't been granted all required scopes to make this call."
            )
        return kind


async def _hang_up(send: Send) -> None:
    """Close the connection under the server's feet; only its own object knows the socket."""
    cycle: Any = getattr(send, "__self__")  # noqa: B009
    cycle.transport.abort()
    await asyncio.sleep(0.01)
