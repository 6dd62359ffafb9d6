"""What the pages' server serves, and to whom."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn

from dagster_project.ui.gate import Gate
from dagster_project.ui.pages import pages_app
from ingestion.paths import CompanyPaths
from tests.faults.attacks import bites, held, replaced
from tests.faults.test_ui_gate import Request

PEOPLE = "another user of the machine asks the pages' port for what is about single people"
PATHS = "a path or a link leads out of the company's pages"
OTHERS = "a page of another origin asks for the company's pages"
REBINDING = "a page whose name was led to this machine asks for the company's pages"
SCRIPT = "a page of the company's carries a script that is not its own"

HASH = "sha256-NLXsdsUuggqUEbBx1oWmBbxiBadNyHxLXBRGwnHhZTM="
PAGE = f"""<!DOCTYPE html><html><head>
<meta http-equiv="Content-Security-Policy" content="script-src '{HASH}'"></head>
<body>the dashboard</body></html>"""


@pytest.fixture
def paths(tmp_path: Path) -> CompanyPaths:
    """A company with a publication, the file of single people in it, and Data Docs."""
    paths = CompanyPaths(tmp_path / "acme")
    folder = paths.publications / "run"
    for page, text in {
        folder / "dashboard" / "index.html": PAGE,
        folder / "people" / "people.html": "about Ann",
        paths.root / "audit" / "sites" / "one" / "validations" / "deals.html": "a check",
        paths.root / "audit" / "sites" / "one" / "index.html": "the Data Docs",
        folder / "salesops.duckdb": "secret",
        paths.root / "logs" / "run.html": "secret",
        tmp_path / "elsewhere.html": "secret",
    }.items():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    (folder / "people" / "people.html").chmod(0o600)
    paths.published.symlink_to(folder)
    paths.data_docs.symlink_to(paths.root / "audit" / "sites" / "one")
    return paths


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Client:
    """Asks the server, for a path as it is."""

    port: int

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(*Request(method, path, named).sent(self.port))


@pytest.fixture
def client(paths: CompanyPaths) -> Iterator[Client]:
    with serving(paths, gate=True) as client:
        yield client


@contextmanager
def serving(paths: CompanyPaths, *, gate: bool) -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        app = pages_app("Acme <b>& sons</b>", paths)
        served = Gate(app, port) if gate else app
        server = uvicorn.Server(uvicorn.Config(served, log_level="error", proxy_headers=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Client(port)
        server.should_exit = True
        thread.join()


def test_the_pages_of_the_company_are_served(client: Client) -> None:
    assert "the dashboard" in client.get("/dashboard/index.html").text
    assert "the Data Docs" in client.get("/data_docs/index.html").text
    assert "a check" in client.get("/data_docs/validations/deals.html").text
    assert client.get("/dashboard/index.html", "HEAD").status == 200


def test_the_first_page_leads_to_what_is_there_and_may_be_opened(
    client: Client, paths: CompanyPaths
) -> None:
    first = client.get("/").text
    assert 'href="/dashboard/index.html"' in first
    assert 'href="/data_docs/index.html"' in first
    assert "/docs/" not in first
    assert "/people/" not in first
    assert "Acme &lt;b&gt;&amp; sons" in first
    (paths.published / "people" / "people.html").chmod(0o644)
    assert 'href="/people/people.html"' in client.get("/").text


def test_a_new_publication_is_shown_at_once(client: Client, paths: CompanyPaths) -> None:
    page = paths.publications / "next" / "dashboard" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("the next dashboard", encoding="utf-8")
    paths.published.unlink()
    paths.published.symlink_to(paths.publications / "next")
    assert client.get("/dashboard/index.html").text == "the next dashboard"


@pytest.mark.parametrize("mode", [0o600, 0o640])
@held(PEOPLE)
def test_people_are_shown_to_nobody_who_could_not_open_the_file(
    client: Client, paths: CompanyPaths, mode: int
) -> None:
    page = paths.published / "people" / "people.html"
    page.chmod(mode)
    answer = client.get("/people/people.html")
    assert answer.status == 403
    assert "Ann" not in answer.text
    assert str(page.resolve()) in answer.text
    page.chmod(0o644)
    assert client.get("/people/people.html").text == "about Ann"


@held(PEOPLE)
def test_a_dashboard_that_leads_to_people_shows_nothing_of_them(
    client: Client, paths: CompanyPaths
) -> None:
    (paths.published / "dashboard" / "people.html").symlink_to("../people/people.html")
    assert "Ann" not in client.get("/dashboard/people.html").text


@pytest.mark.parametrize(
    "path",
    [
        "/salesops.duckdb",
        "/dashboard",
        "/dashboard/",
        "/dashboard/../salesops.duckdb",
        "/dashboard/%2e%2e/salesops.duckdb",
        "/dashboard/..%2fsalesops.duckdb",
        "/dashboard/..%5csalesops.duckdb",
        "/dashboard//index.html",
        "/dashboard/./index.html",
        "/dashboard/.hidden.html",
        "/dashboard/%00.html",
        "/dashboard/index.html/",
        "/dashboard/index.html%00",
        "//dashboard/index.html",
        "/logs/run.html",
        "/data_docs/../logs/run.html",
        "/data_docs/%2e%2e/%2e%2e/%2e%2e/logs/run.html",
        "/../../elsewhere.html",
        "/%2e%2e/elsewhere.html",
        "/dashboard/" + "x" * 5000 + ".html",
    ],
)
@held(PATHS)
def test_nothing_else_is_served(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("dashboard/out.html", "../salesops.duckdb"),
        ("dashboard/out.html", "../../../../elsewhere.html"),
        ("dashboard/out.html", "../../../logs/run.html"),
    ],
)
@held(PATHS)
def test_links_lead_out_of_no_folder(
    client: Client, paths: CompanyPaths, link: str, to: str
) -> None:
    (paths.published / link).symlink_to(to)
    assert client.get(f"/{link}").status == 404


@held(PATHS)
def test_a_folder_that_leads_elsewhere_is_none(
    client: Client, paths: CompanyPaths, tmp_path: Path
) -> None:
    (paths.root / "docs").symlink_to(tmp_path)
    assert client.get("/docs/elsewhere.html").status == 404


@held(PATHS)
def test_what_is_no_file_is_not_waited_for(client: Client, paths: CompanyPaths) -> None:
    os.mkfifo(paths.published / "dashboard" / "pipe.html")
    assert client.get("/dashboard/pipe.html").status == 404


@held(SCRIPT)
def test_a_page_runs_the_scripts_that_it_names_and_no_other(
    client: Client, paths: CompanyPaths
) -> None:
    def policy(page: str) -> dict[str, str]:
        found = client.get(page).headers["content-security-policy"]
        return dict(part.strip().partition(" ")[::2] for part in found.split(";"))

    own = policy("/dashboard/index.html")
    assert own["script-src"] == f"'{HASH}'"
    assert own["default-src"] == own["frame-ancestors"] == own["form-action"] == "'none'"
    assert "allow-same-origin" not in own["sandbox"]
    for page in ("/", "/data_docs/index.html", "/people/people.html", "/nothing"):
        assert policy(page)["script-src"] == "'none'", page
    lax = PAGE.replace(f"'{HASH}'", "'unsafe-inline' 'unsafe-eval' https://evil.example")
    (paths.published / "dashboard" / "lax.html").write_text(lax, encoding="utf-8")
    assert policy("/dashboard/lax.html")["script-src"] == "'none'"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_pages_are_read_and_nothing_else(client: Client, method: str) -> None:
    assert client.get("/dashboard/index.html", method).status in (405, 415)
    typed = client.get("/dashboard/index.html", method, Content_Type="application/json")
    assert typed.status == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{}", "127.0.0.1:3000"])
@held(REBINDING)
def test_a_name_led_to_this_machine_gets_nothing(client: Client, host: str) -> None:
    answer = client.get("/dashboard/index.html", Host=host.format(client.port))
    assert answer.status == 421
    assert "dashboard" not in answer.text


FETCHED = {
    "script of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "script of Dagster's port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    "fetch of another origin": {"Origin": "http://evil.example"},
    "fetch of Dagster's port": {"Origin": "http://127.0.0.1:3000"},
    "fetch of a sandbox": {"Origin": "null"},
    "frame": {
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
    },
}


@pytest.mark.parametrize("headers", FETCHED.values(), ids=FETCHED)
@held(OTHERS)
def test_pages_of_other_origins_read_none(client: Client, headers: dict[str, str]) -> None:
    answer = client.get("/dashboard/index.html", **headers)
    assert answer.status == 403
    assert "the dashboard" not in answer.text


def test_links_of_others_lead_here(client: Client) -> None:
    headers = {"Site": "same-site", "Mode": "navigate", "Dest": "document"}
    fetched = {f"Sec-Fetch-{name}": value for name, value in headers.items()}
    answer = client.get("/dashboard/index.html", **fetched)
    assert answer.status == 200
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@bites(PEOPLE)
def test_whoever_asks_would_be_shown_people(client: Client) -> None:
    with replaced("dagster_project.ui.pages:_is_for_all", True):
        assert client.get("/people/people.html").text == "about Ann"


@bites(PATHS)
def test_a_server_of_files_follows_links(paths: CompanyPaths) -> None:
    (paths.published / "dashboard" / "out.html").symlink_to("../salesops.duckdb")
    handler = partial(SimpleHTTPRequestHandler, directory=str(paths.published / "dashboard"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            assert Client(server.server_port).get("/out.html").text == "secret"
        finally:
            server.shutdown()


@bites(OTHERS)
def test_without_a_gate_any_page_reads_them(paths: CompanyPaths) -> None:
    with serving(paths, gate=False) as bare:
        for headers in FETCHED.values():
            assert "the dashboard" in bare.get("/dashboard/index.html", **headers).text


@bites(REBINDING)
def test_without_a_gate_any_name_reads_them(paths: CompanyPaths) -> None:
    with serving(paths, gate=False) as bare:
        answer = bare.get("/dashboard/index.html", Host="evil.example")
    assert "the dashboard" in answer.text


@bites(SCRIPT)
def test_without_a_policy_a_page_runs_what_it_carries(client: Client) -> None:
    with replaced("dagster_project.ui.pages:_scripts", "'unsafe-inline'"):
        policy = client.get("/data_docs/index.html").headers["content-security-policy"]
    assert "script-src 'unsafe-inline'" in policy
