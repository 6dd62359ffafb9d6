"""The gate before a webserver, Dagster's or the pages': who may ask it, by what browsers say.

Dagster's webserver runs what it is asked, mutations by GET among them, and asks nobody who they
are. On 127.0.0.1 only programs of this machine reach it, but a browser is one of them, and does so
for every page that is open in it. What a browser says of a request tells such pages apart, and no
page can make it say otherwise:

- `Host` names what the page believes to talk to. A page whose name has been led to this machine
  (DNS rebinding) is given away by it.
- `Origin` names the page, in every request that may change something and in every web socket.
- `Sec-Fetch-Site` says whether the page is of the same origin, in every request to this machine.
- `Content-Type: application/json` cannot be sent to another origin without asking first.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from dagster_project.ui.names import LOCAL_NAMES

GRAPHQL = "/graphql"
PAGE = "index_html_endpoint"
"""The endpoint of all routes of Dagster's, and of our own, that show a page."""

KEPT_TO_ITSELF = {
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers of every answer: no page of others frames it, reads it or holds on to its window."""


class Refused(Exception):  # noqa: N818
    """A request that is not let through: an HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Gate:
    """A webserver behind a gate, as an ASGI application.

    It lets through what comes from its own pages, under the local names with `port` or under one of
    `hosts` (each as a browser shows it), and from programs that are no browsers; of other pages
    only that they lead to a page.
    """

    def __init__(self, app: Starlette, port: int, hosts: Iterable[str] = ()) -> None:
        self._app = app
        local = {f"{name}:{port}" for name in LOCAL_NAMES}
        if port == 80:
            local |= set(LOCAL_NAMES)
        named = {host.lower() for host in hosts}
        self._hosts = local | named
        self._origins = {f"http://{host}" for host in self._hosts}
        self._origins |= {f"https://{host}" for host in named}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        try:
            self._check(scope, Headers(scope=scope))
        except Refused as refused:
            return await _refuse(refused, scope, receive, _keeping_to_itself(send))
        return await self._app(scope, receive, _keeping_to_itself(send))

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._check_host(headers)
        self._check_page(scope, headers)
        if scope["type"] == "http":
            _check_form(scope, headers)

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise Refused(
                421,
                "This is not served under that name. If the name is yours, name it for the UI: "
                "make ui HOSTS=<host and port as the browser shows them>. The company's pages "
                "have the names of this machine only",
            )

    def _check_page(self, scope: Scope, headers: Headers) -> None:
        """Refuse what a page of another origin asks, but that a browser goes to a page of ours."""
        if not self._origins.issuperset(headers.getlist("origin")):
            raise Refused(403, "A page of another origin may not ask this.")
        is_own = {"same-origin", "none"}.issuperset(headers.getlist("sec-fetch-site"))
        if not is_own and not self._is_visit(scope, headers):
            raise Refused(403, "A page of another site may only lead to a page of this one.")

    def _is_visit(self, scope: Scope, headers: Headers) -> bool:
        fetched = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
        is_navigation = scope["type"] == "http" and fetched == ("navigate", "document")
        return is_navigation and scope["method"] == "GET" and self._is_page(scope)

    def _is_page(self, scope: Scope) -> bool:
        found = (route for route in self._app.routes if route.matches(scope)[0] != Match.NONE)
        route = next(found, None)
        return getattr(route, "name", None) == PAGE


def _check_form(scope: Scope, headers: Headers) -> None:
    """Refuse requests of a form that the UI does not use, and that need no permission to be sent.

    A page may send any GET, and a POST of a form's types, to whom it likes.
    """
    method = scope["method"]
    if method not in ("GET", "HEAD", "POST"):
        raise Refused(405, "Only GET, HEAD and POST are served.")
    if method != "POST" and scope["path"].rstrip("/") == GRAPHQL:
        raise Refused(405, "GraphQL is asked by POST.")
    types = [value.partition(";")[0].strip().lower() for value in headers.getlist("content-type")]
    if method == "POST" and types != ["application/json"]:
        raise Refused(415, "What is posted has the Content-Type application/json.")


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": str(refused)})
    else:
        await PlainTextResponse(f"{refused}\n", refused.status)(scope, receive, send)


def _keeping_to_itself(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(KEPT_TO_ITSELF)
        await send(message)

    return sending
