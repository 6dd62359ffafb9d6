"""Stripe's API, read only, over a world.

Version 2026-10-28.endive. Lists, objects by id, lists inside objects, events, `expand`.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingestion.sandbox.systems.faults import Faults, Window
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.systems.stripe import answers, questions
from ingestion.sandbox.systems.stripe.account import Account
from ingestion.sandbox.systems.stripe.collections import Document, Kind, page
from ingestion.sandbox.systems.stripe.errors import (
    PermissionMissingError,
    ServerError,
    StripeError,
    TooManyError,
    UnknownUrlError,
    WrongKeyError,
)
from ingestion.sandbox.systems.stripe.events import API_VERSION
from ingestion.sandbox.systems.stripe.expansion import expand
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.world import World


class StripeApi(FaultyApi):
    """An account behind Stripe's API, with its limits and the faults that it is told.

    The key is a restricted one that may not read the lists in `restricted`, nor those that the
    faults say are forbidden.
    """

    def __init__(
        self,
        world: World,
        key: str,
        faults: Faults | None = None,
        restricted: tuple[str, ...] = (),
    ) -> None:
        self._stripe = Stripe(key, restricted)
        super().__init__(self._stripe, world, faults)

    @property
    def account(self) -> Account:
        """The account as it answers now."""
        return self._stripe.account


class Stripe:
    """The application that answers well."""

    system = "stripe"

    def __init__(self, key: str, restricted: tuple[str, ...] = ()) -> None:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        self._authorizations = {f"Bearer {key}", f"Basic {basic}"}
        self._restricted = restricted
        self._asked = 0

    def show(self, world: World, faults: Faults) -> None:
        """Answer from this state of a world from now on, with these faults."""
        self._faults = faults
        self._shuffle = random.Random(faults.seed)
        self.account = Account(world)

    def refused(self, request: Request) -> Response | None:
        """The answer where the key or the version is wrong."""
        given = request.headers.get("authorization", "")
        if given not in self._authorizations:
            return answers.problem(WrongKeyError(_about_key(given)))
        version = request.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            return answers.problem(StripeError(f"Invalid Stripe API version: {version}"))
        return None

    def is_search(self, path: str) -> bool:
        """There are no searches."""
        return False

    def too_many(self, path: str, faults: Faults) -> Response:
        """A request above the rate."""
        response = answers.problem(
            TooManyError(
                "Request rate limit exceeded. Learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
                "rate_limit",
            )
        )
        response.headers["Retry-After"] = str(faults.retry_after_seconds)
        response.headers["Stripe-Should-Retry"] = "true"
        response.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        return response

    def server_error(self) -> Response:
        """A request that was not answered."""
        return answers.problem(ServerError("An unknown error occurred"))

    def headers(self, limit: Window) -> Mapping[str, str]:
        """The version, and a number for whoever asks Stripe about a request."""
        self._asked += 1
        return {"Stripe-Version": API_VERSION, "Request-Id": f"req_{self._asked:014d}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = answers.of(self._answer(request))
        except StripeError as error:
            response = answers.problem(error)
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Document:
        method, path = request.method, request.url.path
        root, _, rest = path.strip("/").partition("/")
        parts = rest.split("/")
        if method != "GET" or root != "v1" or len(parts) > 3 or not self.account.served(parts[0]):
            raise UnknownUrlError(f"Unrecognized request URL ({method}: {path}).")
        kind = self.account.kind(parts[0])
        if kind.name in (*self._restricted, *self._faults.forbidden):
            raise PermissionMissingError(_about_permission(kind))
        given = request.query_params.multi_items()
        if len(parts) == 1:
            return self._list(kind, questions.read(given, kind.known()), request)
        key = kind.find(parts[1])
        if len(parts) == 2:
            question = questions.read(given, {"expand[]"})
            request.state.rows = 1
            return self._expanded(kind.render(key, self.account.now), question)
        inner = self.account.inside(kind.name, key, parts[2])
        if inner is None:
            raise UnknownUrlError(f"Unrecognized request URL ({method}: {path}).")
        return self._list(inner, questions.read(given, inner.known()), request)

    def _list(self, kind: Kind, question: Question, request: Request) -> Document:
        found = page(kind, question, request.state.repeat)
        data = [kind.render(key, self.account.now) for key in found.keys]
        if self._faults.out_of_order and data:
            data = [*self._shuffle.sample(data[:-1], len(data) - 1), data[-1]]
        request.state.rows = len(data)
        document = answers.listed(request.url.path, data, found.has_more)
        return self._expanded(document, question)

    def _expanded(self, document: Document, question: Question) -> Document:
        for path in question.lists.get("expand", ()):
            expand(self.account, document, path)
        return document


def _about_key(given: str) -> str:
    """What Stripe says of a key that it does not know: only its ends are told."""
    scheme, _, key = given.partition(" ")
    if scheme != "Bearer" or not key:
        return (
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')"
        )
    return f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:] if len(key) > 16 else ''}"


def _about_permission(kind: Kind) -> str:
    name = kind.label.replace(" ", "_")
    return (
        "The provided key 'rk_test_********' does not have the required permissions for this "
        f"endpoint on account 'acct_sandbox'. Having the 'rak_{name}_read' permission would "
        "allow this request to continue."
    )
