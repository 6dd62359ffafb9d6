"""HubSpot's API: what is particular to it, and the requests that read a portal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)

from ingestion.errors import SourceError
from ingestion.http import (
    Api,
    ApiClient,
    MalformedAnswerError,
    Pace,
    Page,
    Patience,
    Place,
    Shape,
    secret_of,
    well_formed,
)
from ingestion.sources.hubspot.answers import ENTRY, LINK, LINKS, RECORD
from ingestion.sources.hubspot.scopes import MissingScopeError, objects_of, without
from ingestion.sources.hubspot.settings import LABEL, HubSpotSource

PAGE = 100
HISTORY_PAGE = 50
SEARCH_PAGE = 200
ASSOCIATIONS_PAGE = 1_000
OWNERS_PAGE = 500
LONGEST_URL = 7_500
"""HubSpot refuses longer ones from 8,000 characters on (status 414); a cursor needs some, too."""

NOT_FOUND = "OBJECT_NOT_FOUND"
_NEXT = jsonpath.compile_path("paging.next.after")


class HubSpotApi(Api):
    """A portal's API: bearer token, limits per app and for searches, errors with a message."""

    label = LABEL
    results = "results"

    def __init__(self, source: HubSpotSource) -> None:
        what = "the access token of a private app of the portal"
        token = secret_of(source.name, source.token_env, what)
        super().__init__(source.name, source.url, token, BearerTokenAuth(token))
        self._settings = source
        self._pace, self._search_pace = Pace(10.0), Pace(4.0)

    def pace(self, path: str) -> Pace:
        """Searches have a limit of their own."""
        return self._search_pace if path.endswith("/search") else self._pace

    def told_rate(self, headers: Mapping[str, str]) -> float | None:
        """The limit that headers tell, less a margin for other users of it."""
        most = headers.get("X-HubSpot-RateLimit-Max", "")
        interval = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
        if most.isdigit() and interval.isdigit() and int(most) and int(interval):
            return 0.9 * int(most) * 1_000 / int(interval)
        return None

    def is_good(self, document: Any) -> bool:
        """Whether there are results, and nothing is missing but what does not exist."""
        if not isinstance(document, dict) or not isinstance(document.get("results"), list):
            return False
        errors = document.get("errors") or []
        return isinstance(errors, list) and not any(map(_is_failure, errors))

    def message(self, document: Any) -> object:
        """HubSpot's own words."""
        return document["message"]

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What is wrong with token, scopes or names, and what to do."""
        path = urlsplit(response.url).path
        if response.status_code == 403:
            return MissingScopeError.of(self._settings, path, problem, response.content)
        if response.status_code == 401:
            problem += f"; check the token in the environment variable {self._settings.token_env}"
        elif "/properties/" in path:
            problem += f"; if the portal has none, {without(self._settings, objects_of(path))}"
        return SourceError(problem)


def _is_failure(error: Any) -> bool:
    return not isinstance(error, dict) or error.get("category") != NOT_FOUND


class ById(BasePaginator):
    """Pages a search by id: the next page is what lies beyond the greatest id so far.

    Positions do not work: HubSpot gives none beyond 10,000, and thousands of records may bear one
    timestamp after a bulk update.
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

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
            raise MalformedAnswerError(self._place, "a search goes on with ids that it had before")

    def update_request(self, request: requests.Request) -> None:
        """Ask for what lies beyond."""
        beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": str(self._last_id)}
        body = cast(dict[str, Any], request.json)
        [group] = body["filterGroups"]
        filters = [held for held in group["filters"] if held["propertyName"] != "hs_object_id"]
        request.json = {**body, "filterGroups": [{"filters": [*filters, beyond]}]}


class HubSpotClient(ApiClient):
    """Reads one portal; several threads may."""

    def __init__(self, source: HubSpotSource, patience: Patience | None = None) -> None:
        super().__init__(HubSpotApi(source), patience)

    def fits_url(self, path: str, **params: object) -> bool:
        """Whether a list may be asked for with these parameters in its URL."""
        return self.url_length(path, **params) <= LONGEST_URL

    def pages(self, path: str, shape: Shape, **params: object) -> Iterator[Page]:
        """All pages of a list that goes on by cursor; its results have a shape."""
        cursor = JSONResponseCursorPaginator(cursor_path=_NEXT, cursor_param="after")
        yield from self.paginate(path, cursor, shape, params=params)

    def whole(self, path: str, shape: Shape) -> Page:
        """A list that comes in one answer; its results have a shape."""
        [page] = self.paginate(path, SinglePagePaginator(), shape)
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
        path = f"/crm/v3/objects/{name}/search"
        yield from self.paginate(path, ById(self.place(path)), ENTRY, json=body)

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

    def _post(self, path: str, body: dict[str, Any], shape: Shape) -> Page:
        [page] = self.paginate(path, SinglePagePaginator(), shape, json=body)
        return page


def _ms(moment: dt.datetime) -> str:
    return str(int(moment.replace(tzinfo=dt.UTC).timestamp() * 1_000))
