"""HubSpot's CRM API (objects v3, associations v4, owners, pipelines, properties) over a world."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.systems.faults import Faults, Window
from ingestion.sandbox.systems.faulty import FaultyApi
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


class HubSpotApi(FaultyApi):
    """A portal behind HubSpot's API, with its limits and the faults that it is told."""

    def __init__(self, world: World, token: str, faults: Faults | None = None) -> None:
        self._hubspot = HubSpot(token)
        super().__init__(self._hubspot, world, faults)

    @property
    def portal(self) -> Portal:
        """The portal as it answers now."""
        return self._hubspot.portal


class HubSpot:
    """The application that answers well."""

    system = "hubspot"

    def __init__(self, token: str) -> None:
        self._token = token
        self._routes = self._all_routes()

    def show(self, world: World, faults: Faults) -> None:
        """Answer from this state of a world from now on, with these faults."""
        self._faults = faults
        self._shuffle = random.Random(faults.seed)
        self.portal = Portal(world, dict(faults.drift))
        self._associations = Associations(self.portal)

    def refused(self, request: Request) -> Response | None:
        """The answer where the token is wrong, or the URL too long."""
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return answers.problem(
                UnauthorizedError(
                    "Authentication credentials not found. This API supports OAuth 2.0 "
                    "authentication and you can find more details at https://developers.hubspot.com"
                )
            )
        if len(str(request.url)) > URL_LIMIT:
            return Response("<h1>414 Request-URI Too Large</h1>", 414)
        return None

    def is_search(self, path: str) -> bool:
        """Searches have a limit of their own."""
        return path.endswith("/search")

    def too_many(self, path: str, faults: Faults) -> Response:
        """A request above the rate."""
        policy = "SECONDLY" if self.is_search(path) else "TEN_SECONDLY_ROLLING"
        return answers.too_many(policy, faults.retry_after_seconds)

    def server_error(self) -> Response:
        """A request that was not answered."""
        return answers.error(502, "SERVER_ERROR", "Bad gateway")

    def headers(self, limit: Window) -> Mapping[str, str]:
        """The limit, and what is left of it."""
        return {
            "X-HubSpot-RateLimit-Max": str(limit.limit),
            "X-HubSpot-RateLimit-Remaining": str(limit.remaining),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(limit.seconds * 1_000)),
        }

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
        ]
        return [Route(path, handler, methods=[method]) for method, path, handler in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._route(Request(scope, receive))
        except HubSpotError as problem:
            response = answers.problem(problem)
        await response(scope, receive, send)

    async def _route(self, request: Request) -> Response:
        for route in self._routes:
            match, scope = route.matches(request.scope)
            if match is Match.FULL:
                request.scope.update(scope)
                handler: Handler = route.endpoint
                return await handler(request)
        raise NotFoundError(f"{request.method} {request.url.path} is not part of this API")

    async def _list(self, request: Request) -> Response:
        kind, query = self._kind(request, "type"), request.query_params
        wanted = Wanted(questions.names(query.getlist("properties")) or kind.defaults,
                        questions.names(query.getlist("propertiesWithHistory")))  # fmt: skip
        most = HISTORY_PAGE_LIMIT if wanted.history else PAGE_LIMIT
        limit = questions.limit(query.get("limit", 10), most)
        archived = questions.is_archived(request)
        total = len(self.portal.records(kind.name, archived).rows)
        number, following = self._turn(query.get("after"), -(-total // limit), request)
        records = self.portal.page(kind.name, archived, number * limit, limit, wanted)
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
        indexed = self.portal.now_ms - int(self._faults.index_lag_seconds * 1_000)
        positions = search.matching(self.portal, kind.name, body, indexed)
        page = positions[start : start + limit]
        if self._faults.out_of_order:
            page = np.array(self._shuffle.sample(page.tolist(), len(page)), np.int64)
        rows = self.portal.records(kind.name).rows[page]
        wanted = Wanted(questions.names(body.get("properties") or kind.defaults))
        records = self.portal.render(kind.name, False, rows, wanted)
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
        records = self.portal.records(kind.name, archived)
        numbers = np.array([int(record_id) for record_id in ids], np.int64)
        positions = np.searchsorted(records.ids, numbers)
        known = np.append(records.ids, -1)[positions] == numbers
        rows = records.rows[positions[known]]
        missing = [record_id for record_id, found in zip(ids, known, strict=True) if not found]
        return self.portal.render(kind.name, archived, rows, wanted), missing

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
        found = directory.owners(self.portal, questions.is_archived(request))
        number, following = self._turn(query.get("after"), -(-len(found) // limit), request)
        page = found[number * limit :][:limit]
        request.state.rows = len(page)
        return answers.page([orjson.dumps(owner) for owner in page], following, request.url.path)

    async def _teams(self, request: Request) -> Response:
        return answers.of({"results": directory.teams(self.portal)})

    async def _pipelines(self, request: Request) -> Response:
        kind = self._kind(request, "type")
        if kind.name not in ("deals", "leads"):
            raise BadRequestError(f"{kind.name} have no pipelines")
        found = self.portal.pipelines(kind.name, self._faults.removed_stages)
        return answers.of({"results": found})

    async def _properties(self, request: Request) -> Response:
        kind = self._kind(request, "type")
        found = self.portal.properties(kind.name).values()
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
