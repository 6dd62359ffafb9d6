"""What pages of others can make a browser ask Dagster's webserver, and what comes of it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import uvicorn
from dagster import DagsterInstance, DagsterRun
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from dagster_project.ui.gate import Gate
from dagster_project.ui.names import HostError, check_hosts
from tests.faults.attacks import bites, held

FOREIGN_PAGE = "a page of another origin asks the UI over GraphQL"
REBINDING = "a page whose name was led to this machine asks the UI"
FRAME = "a page of another origin frames the UI"
SOCKET = "a page of another origin opens the UI's web socket"

EVIL = "http://evil.example"
NAMED = "sales.acme.com"
JSON = "application/json"


@dataclass(frozen=True)
class Server:
    """Dagster's webserver on a port, and the instance that it serves."""

    port: int
    instance: DagsterInstance

    def run(self) -> str:
        """A run on the record, for an attack to delete."""
        run = DagsterRun(job_name="daily", run_id=str(uuid.uuid4()))
        self.instance.add_run(run)
        return run.run_id

    def has(self, run: str) -> bool:
        return self.instance.has_run(run)


@dataclass(frozen=True)
class Request:
    """What a browser sends for a page."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    def sent(self, port: int) -> tuple[int, Mapping[str, str], str]:
        """The status, headers and text of the answer."""
        connection = HTTPConnection("127.0.0.1", port)
        with contextlib.closing(connection):
            connection.putrequest(self.method, self.path, skip_host="Host" in self.headers)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            body = (self.body or "").encode()
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read().decode(errors="replace")


def deletion(run: str) -> str:
    return f'mutation {{ deletePipelineRun(runId: "{run}") {{ __typename }} }}'


def by_get(run: str, **headers: str) -> Request:
    return Request("GET", f"/graphql?query={quote(deletion(run))}", headers)


def by_post(run: str, kind: str, **headers: str) -> Request:
    """A POST with the mutation where Dagster looks for it: in JSON, else in the address."""
    headers = {"Content-Type": kind} | headers
    if JSON in kind:
        return Request("POST", "/graphql", headers, json.dumps({"query": deletion(run)}))
    if kind.startswith("application/graphql"):
        return Request("POST", "/graphql", headers, deletion(run))
    return Request("POST", f"/graphql?{urlencode({'query': deletion(run)})}", headers, "x")


@contextlib.contextmanager
def serving(folder: Path, *, gate: bool) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as stack:
        port = listening.getsockname()[1]
        instance = stack.enter_context(DagsterInstance.local_temp(str(folder)))
        context = stack.enter_context(WorkspaceProcessContext(instance, EmptyWorkspaceTarget()))
        app = create_app_from_workspace_process_context(context)
        config = uvicorn.Config(
            Gate(app, port, [NAMED]) if gate else app, log_level="error", proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Server(port, instance)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As `make ui` serves it."""
    with serving(tmp_path_factory.mktemp("gated"), gate=True) as server:
        yield server


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As Dagster serves itself."""
    with serving(tmp_path_factory.mktemp("bare"), gate=False) as server:
        yield server


FROM_ELSEWHERE = {
    "image": by_get("RUN", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
    "image of an old browser": by_get("RUN"),
    "fetch by GET": by_get("RUN", Origin=EVIL),
    "link": by_get(
        "RUN",
        **{
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
    ),
    "form": by_post("RUN", "application/x-www-form-urlencoded", Origin=EVIL),
    "form of plain text": by_post("RUN", "text/plain", Origin=EVIL),
    "form of a sandboxed frame": by_post("RUN", "text/plain", Origin="null"),
    "form of an old browser": by_post("RUN", "text/plain"),
    "form that names two types": by_post("RUN", "text/plain; application/json"),
    "beacon without a type": by_post("RUN", ""),
    "GraphQL as such": by_post("RUN", "application/graphql"),
    "JSON": by_post("RUN", JSON, Origin=EVIL),
    "JSON of another port": by_post("RUN", JSON, Origin="http://127.0.0.1:9"),
    "JSON of a page that names no origin": by_post("RUN", JSON, **{"Sec-Fetch-Site": "same-site"}),
}
THROUGH_A_NAME = {
    "JSON": by_post("RUN", JSON, Host="evil.example:3000"),
    "JSON with its own origin": by_post(
        "RUN", JSON, Host="evil.example", Origin=EVIL, **{"Sec-Fetch-Site": "same-origin"}
    ),
    "a name that begins like ours": by_post("RUN", JSON, Host="127.0.0.1.evil.example"),
}


def about(request: Request, run: str) -> Request:
    """The request with a run of a server put in place."""
    return Request(
        request.method,
        request.path.replace("RUN", run),
        request.headers,
        request.body and request.body.replace("RUN", run),
    )


@pytest.mark.parametrize("request_", FROM_ELSEWHERE.values(), ids=FROM_ELSEWHERE)
@held(FOREIGN_PAGE)
def test_a_page_of_another_origin_changes_nothing(gated: Server, request_: Request) -> None:
    run = gated.run()
    status, _, text = about(request_, run).sent(gated.port)
    assert status in (403, 405, 415), text
    assert gated.has(run)


@bites(FOREIGN_PAGE)
def test_dagster_alone_does_what_any_page_asks(bare: Server) -> None:
    for request in FROM_ELSEWHERE.values():
        run = bare.run()
        about(request, run).sent(bare.port)
        assert not bare.has(run), request


@pytest.mark.parametrize("request_", THROUGH_A_NAME.values(), ids=THROUGH_A_NAME)
@held(REBINDING)
def test_a_name_that_was_not_given_is_not_served(gated: Server, request_: Request) -> None:
    run = gated.run()
    status, _, text = about(request_, run).sent(gated.port)
    assert (status, gated.has(run)) == (421, True), text
    page = Request(headers={"Host": request_.headers["Host"]}).sent(gated.port)
    assert page[0] == 421
    assert "dagster" not in page[2].lower()


@bites(REBINDING)
def test_dagster_alone_answers_to_any_name(bare: Server) -> None:
    for request in THROUGH_A_NAME.values():
        run = bare.run()
        about(request, run).sent(bare.port)
        assert not bare.has(run), request


def asks_by_socket(port: int, **headers: str) -> bool:
    """Whether a web socket is opened, as the UI's is."""
    origin = headers.pop("Origin", None)
    try:
        with connect(
            f"ws://127.0.0.1:{port}/graphql",
            origin=origin,  # type: ignore[arg-type]
            subprotocols=["graphql-ws"],  # type: ignore[list-item]
            additional_headers=headers,
        ) as opened:
            opened.send(json.dumps({"type": "connection_init"}))
            return json.loads(opened.recv())["type"] == "connection_ack"
    except InvalidHandshake:
        return False


@held(SOCKET)
def test_a_web_socket_of_another_origin_is_refused(gated: Server) -> None:
    assert asks_by_socket(gated.port, Origin=f"http://127.0.0.1:{gated.port}")
    assert not asks_by_socket(gated.port, Origin=EVIL)
    assert not asks_by_socket(gated.port, Origin=f"http://127.0.0.1:{gated.port + 1}")
    assert not asks_by_socket(gated.port, **{"Sec-Fetch-Site": "cross-site"})


@bites(SOCKET)
def test_dagster_alone_opens_a_socket_to_any_page(bare: Server) -> None:
    assert asks_by_socket(bare.port, Origin=EVIL)


@held(FRAME)
def test_no_other_page_frames_the_ui(gated: Server) -> None:
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert Request(headers=framed | {"Sec-Fetch-Dest": "iframe"}).sent(gated.port)[0] == 403
    status, headers, _ = Request().sent(gated.port)
    assert (status, headers["x-frame-options"]) == (200, "SAMEORIGIN")


@bites(FRAME)
def test_dagster_alone_may_be_framed(bare: Server) -> None:
    status, headers, _ = Request(headers={"Sec-Fetch-Dest": "iframe"}).sent(bare.port)
    assert (status, headers.get("x-frame-options")) == (200, None)
    assert "frame-ancestors" not in headers["content-security-policy"]


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE"])
def test_no_permission_is_given_to_ask(gated: Server, method: str) -> None:
    asked = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    for headers in ({}, asked):
        status, given, _ = Request(method, "/graphql", headers).sent(gated.port)
        assert status in (403, 405)
        assert not [name for name in given if name.startswith("access-control")]


@pytest.mark.parametrize("name", ["127.0.0.1:{}", "localhost:{}", "[::1]:{}", NAMED])
def test_its_own_pages_ask_what_they_like(gated: Server, name: str) -> None:
    host = name.format(gated.port)
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    run = gated.run()
    status, _, text = by_post(run, f"{JSON}; charset=utf-8", **own).sent(gated.port)
    assert (status, gated.has(run)) == (200, False), text


def test_programs_that_are_no_browsers_ask_without_an_origin(gated: Server) -> None:
    run = gated.run()
    assert by_post(run, JSON).sent(gated.port)[0] == 200
    assert not gated.has(run)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/runs/1", 200), ("/logs/a/b.out", 403), ("/download_debug/1", 403)],
)
def test_a_link_from_elsewhere_leads_to_pages_only(gated: Server, path: str, status: int) -> None:
    fetched = {"Site": "cross-site", "Mode": "navigate", "Dest": "document"}
    headers = {f"Sec-Fetch-{name}": value for name, value in fetched.items()}
    assert Request("GET", path, headers).sent(gated.port)[0] == status


@pytest.mark.parametrize("host", ["http://a.b", "a.b/c", "a b", "*", "*.acme.com", "", "u@a.b"])
def test_what_is_no_host_is_said(host: str) -> None:
    with pytest.raises(HostError, match="HOSTS: "):
        check_hosts([host])
