"""Stripe's API: what is particular to it, and the requests that read an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)

from ingestion.errors import SourceError
from ingestion.http import Api, ApiClient, Pace, Page, Patience, Place, Shape, secret_of
from ingestion.sources.stripe.lists import StripeList, entities_of
from ingestion.sources.stripe.settings import LABEL, StripeSource

VERSION = "2026-10-28.endive"
"""The version of the API that is asked for, whatever the account's own is."""
PAGE = 100
RECORD: Shape = MappingProxyType({"id": str, "object": str})
_LAST = jsonpath.compile_path("data[-1].id")
_MORE = jsonpath.compile_path("has_more")
_ALL = jsonpath.compile_path("$")


class MissingError(SourceError):
    """There is no object of an id."""


class ForbiddenError(SourceError):
    """The key may not read something."""


class StripeApi(Api):
    """An account's API: a bearer key, limits by mode, errors with a message."""

    label = LABEL
    results = "data"

    def __init__(self, source: StripeSource) -> None:
        what = "a key of the account's, best a restricted one that may only read"
        key = secret_of(source.name, source.key_env, what)
        super().__init__(source.name, source.url, key, BearerTokenAuth(key))
        self._settings = source
        self._pace = Pace(80.0)

    def pace(self, path: str) -> Pace:
        """There is one limit, 100 requests a second, less a margin for other users of it.

        In test mode it is 25: what is refused is asked again.
        """
        return self._pace

    def is_good(self, document: Any) -> bool:
        """Whether it is a list that says whether it goes on, or an object."""
        if not isinstance(document, dict):
            return False
        if document.get("object") == "list":
            return isinstance(document.get("data"), list) and "has_more" in document
        return isinstance(document.get("id"), str)

    def message(self, document: Any) -> object:
        """Stripe's own words."""
        return document["error"]["message"]

    def refuse_other(self, response: requests.Response, place: Place) -> None:
        """An answer in another version of the API has other members, or means others by them."""
        told = response.headers.get("Stripe-Version", VERSION)
        if told != VERSION:
            raise SourceError(
                f"{place}: the answer is in version {told} of the API, and {VERSION} was asked "
                f"for; see whether {self.url} is Stripe's, and whether a proxy on the way there "
                "changes the header Stripe-Version"
            )

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What is wrong with the key or a name, and what to do."""
        if response.status_code == 401:
            return SourceError(
                f"{problem}; check the key in the environment variable {self._settings.key_env}"
            )
        if response.status_code == 403:
            return ForbiddenError(problem + self._way_out(urlsplit(response.url).path))
        if response.status_code == 404 and _code(response.content) == "resource_missing":
            return MissingError(problem)
        return SourceError(problem)

    def _way_out(self, path: str) -> str:
        """What to do where the key may not ask for a path."""
        source, told = self._settings, entities_of(path)
        given = [name for name in source.entities_given if name in told]
        without = f"; or, under the source {source.name} in company.yml, {source.without(given)}"
        return (
            f"; the key in {source.key_env} lacks that permission: give it in Stripe's dashboard "
            f"(Developers, API keys, edit the restricted key){without if given else ''}"
        )


def _code(content: bytes) -> object:
    """Stripe's code of an error."""
    try:
        return orjson.loads(content)["error"]["code"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


class StripeClient(ApiClient):
    """Reads one account; several threads may."""

    def __init__(self, source: StripeSource, patience: Patience | None = None) -> None:
        super().__init__(StripeApi(source), patience)
        self._session.headers["Stripe-Version"] = VERSION

    def pages(self, path: str, params: Mapping[str, object], limit: int = PAGE) -> Iterator[Page]:
        """All pages of a list: the next one is what comes after the last object."""
        after = JSONResponseCursorPaginator(
            cursor_path=_LAST, cursor_param="starting_after", has_more_path=_MORE
        )
        yield from self.paginate(path, after, RECORD, params={**params, "limit": limit})

    def everything(self, path: str, params: Mapping[str, object]) -> list[dict[str, Any]]:
        """All objects of a list."""
        return [found for page in self.pages(path, params) for found in page.results]

    def one(self, listed: StripeList, id: str) -> dict[str, Any] | None:
        """An object of a list by its id, if there is one, and it was not deleted."""
        try:
            found = self._shown(f"{listed.path}/{id}", listed.expanded)
        except MissingError:
            return None
        return None if found.get("deleted") else found

    def knows_customer(self, id: str) -> bool:
        """Whether the account has a customer, or had one that is deleted."""
        try:
            self._shown(f"/v1/customers/{id}", ())
        except MissingError:
            return False
        return True

    def coupons_of(self, user: str) -> list[dict[str, Any]]:
        """The coupons in use by a customer, a subscription or an item of it, deleted ones, too."""
        name = "discount" if user.startswith("/v1/customers/") else "discounts"
        try:
            found = self._shown(user, (f"{name}.source.coupon.applies_to",))
        except MissingError:
            return []
        held = found.get(name) or []
        discounts = [held] if isinstance(held, dict) else held
        used = [it["source"]["coupon"] for it in discounts]
        return [it for it in used if isinstance(it, dict)]

    def _shown(self, path: str, expanded: tuple[str, ...]) -> dict[str, Any]:
        [page] = self.paginate(
            path,
            SinglePagePaginator(),
            RECORD,
            params={"expand[]": expanded},
            data_selector=_ALL,
        )
        found: dict[str, Any]
        [found] = page.results
        return found
