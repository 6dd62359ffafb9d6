"""Passwords and tokens: in no output, log, file or error, whatever goes wrong and goes well."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import psycopg2
import pytest

from ingestion.company.reading import load_company
from ingestion.errors import SalesopsError
from ingestion.paths import PROJECT
from ingestion.pipeline import check, load_source, prepare
from ingestion.warehouse.warehouse import Warehouse
from tests.faults.attacks import bites, held, replaced, without
from tests.faults.portals import served
from tests.ingestion.conftest import Exports
from tests.ingestion.conftest import empty_warehouse as empty_warehouse
from tests.ingestion.conftest import exports as exports
from tests.ingestion.postgres_server import running_server
from tests.orchestration.copies import Copy
from tests.runs import run
from tests.thorough import thorough

CANARY = "cAnArY7x"
ADDRESS = "a password in an address that cannot be read, or that a server refuses"
TOKEN = "a token in whatever a portal or a library answers"
WELL = "a password or token left behind by what goes well"

MALFORMED = {
    "slash in the password": f"postgresql://tests:{CANARY}/x@localhost:5432/db",
    "slash behind digits": f"postgresql://tests:12/{CANARY}@localhost:5432/db",
    "percent in the password": f"postgresql://tests:{CANARY}%@localhost/db",
    "percent and no digits": f"postgresql://tests:{CANARY}%zz@localhost/db",
    "at in the password": f"postgresql://tests:x@{CANARY}@localhost/db",
    "at and colon in the password": f"postgresql://tests:x@y:{CANARY}@localhost/db",
    "hash in the password": f"postgresql://tests:x@y#{CANARY}@localhost/db",
    "question mark behind at": f"postgresql://tests:x@y?{CANARY}@localhost/db",
    "malformed host": f"postgresql://tests:{CANARY}@[::1/db",
    "host with a blank": f"postgresql://tests:{CANARY}@local host/db",
    "port of letters": f"postgresql://tests:{CANARY}@localhost:port/db",
    "port beyond all": f"postgresql://tests:{CANARY}@localhost:99999/db",
    "port below all": f"postgresql://tests:{CANARY}@localhost:-1/db",
    "several hosts, bad port": f"postgresql://tests:{CANARY}@a,b:x/db",
    "unknown option": f"postgresql://tests@localhost/db?{CANARY}=1",
    "broken option": f"postgresql://tests@localhost/db?password={CANARY}%",
    "another scheme": f"mysql://tests:{CANARY}@localhost/db",
    "no scheme": f"tests:{CANARY}@localhost/db",
    "words": f"host=localhost password={CANARY} x",
    "quotes": f"'postgresql://tests:{CANARY}@localhost/db'",
}
UNREACHABLE = {
    "no such host": f"postgresql://tests:{CANARY}@nowhere.invalid/db",
    "nobody listens": f"postgresql://tests:{CANARY}@127.0.0.1:1/db",
    "no such socket": f"postgresql://tests:{CANARY}@/db?host=/nowhere",
    "password as an option": f"postgresql://127.0.0.1:1/db?password={CANARY}",
    "no such certificate": f"postgresql://tests:{CANARY}@127.0.0.1:1/db?sslcert=/x&sslmode=no",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that asks for the canary as password."""
    with running_server(CANARY) as url:
        yield url


def loaded(exports: Exports, url: str) -> None:
    """Check and load a portal."""
    path = exports.root / "company.yml"
    path.write_text(
        "name: Portal\ncurrency: USD\ntimezone: UTC\nsources:\n"
        f"  - {{name: crm, type: hubspot, url: '{url}'}}\n"
    )
    company = load_company(path)
    for found in check(company):
        assert not leaks(str(found))
    load_source(company, company.sources[0])


def refused(exports: Exports, monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    """What a load says of an address, with all that has led to it."""
    monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
    exports.settings["destination"] = "postgres"
    with pytest.raises(SalesopsError) as error:
        exports.load({"users": {"rows": [{"source_id": "1", "name": "Ann"}]}})
    chain = traceback.format_exception(error.value)
    assert not leaks(str(error.value), *chain, under=exports.root / "data")
    return str(error.value)


def leaks(*texts: str, under: Path | None = None) -> list[str]:
    """Where the canary is: in texts, or in files of a folder."""
    files = [path for path in under.rglob("*") if path.is_file()] if under else []
    return [
        *(text for text in texts if CANARY in text),
        *(str(path) for path in files if CANARY.encode() in path.read_bytes()),
    ]


@held(ADDRESS)
@pytest.mark.parametrize("case", [*MALFORMED, *UNREACHABLE])
def test_an_address_is_never_repeated(
    exports: Exports, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    told = refused(exports, monkeypatch, (MALFORMED | UNREACHABLE)[case])
    assert ("SALESOPS_POSTGRES_URL is not an address" in told) == (case in MALFORMED)


@held(ADDRESS)
def test_a_live_server_that_refuses(
    exports: Exports, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {
        "the server does not accept user and password": server.replace("tests:", "tests:not-"),
        "no such database": server.replace("/postgres?", "/none?"),
        "asks for a password": server.replace(f":{CANARY}@", "@"),
    }
    for words, url in wrong.items():
        assert words in refused(exports, monkeypatch, url)


@bites(ADDRESS)
def test_libpq_takes_a_password_for_something_else_or_quotes_it() -> None:
    with replaced("ingestion.warehouse.postgres_address:_refuse_misread"):
        for case in ("slash in the password", "slash behind digits", "hash in the password"):
            assert CANARY in str(Warehouse("postgres", MALFORMED[case]))
    with pytest.raises(psycopg2.Error, match=CANARY):
        psycopg2.connect(MALFORMED["percent in the password"])


WRONG_TOKENS = {
    "of another portal": f"{CANARY}-other",
    "with a line end within": f"{CANARY}\nHost: x",
    "with a blank within": f"Bearer {CANARY}",
    "with letters that no header has": f"{CANARY}✓",
    "with control characters": f"{CANARY}\x1b[2J",
}


@held(TOKEN)
@pytest.mark.parametrize("case", WRONG_TOKENS)
def test_a_token_that_is_wrong_is_not_repeated(
    exports: Exports, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", WRONG_TOKENS[case])
    with served(CANARY) as url, pytest.raises(SalesopsError, match="HUBSPOT_TOKEN") as error:
        loaded(exports, url)
    chain = traceback.format_exception(error.value)
    assert not leaks(str(error.value), *chain, under=exports.root / "data")


@held(TOKEN)
def test_an_answer_that_repeats_the_token_is_not(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", CANARY)
    said = {"category": "VALIDATION", "message": f"Bearer {CANARY} lacks the scopes"}
    for status in (400, 401, 403):
        with (
            served(CANARY, "/crm/", lambda _: said, status) as url,
            pytest.raises(SalesopsError, match=f"status {status}") as error,
        ):
            loaded(exports, url)
        assert not leaks(*traceback.format_exception(error.value), under=exports.root / "data")


@held(TOKEN)
@pytest.mark.parametrize(
    "keys",
    [
        {"token_env": f"pat-{CANARY}"},
        {"token": CANARY},
        {"url": f"https://me:{CANARY}@api.hubapi.com"},
        {"url": f"https://me:{CANARY}@api.hubapi.com/v3"},
    ],
)
def test_a_secret_in_the_company_file_is_not_repeated(tmp_path: Path, keys: dict[str, str]) -> None:
    path = tmp_path / "company.yml"
    source = {"name": "crm", "type": "hubspot", **keys}
    document = {"name": "X", "currency": "USD", "timezone": "UTC", "sources": [source]}
    path.write_text(json.dumps(document))
    with pytest.raises(SalesopsError) as error:
        load_company(path)
    assert not leaks(*traceback.format_exception(error.value))
    path.write_text(json.dumps(document | {"destination": MALFORMED["port of letters"]}))
    with pytest.raises(SalesopsError) as error:
        load_company(path)
    assert not leaks(*traceback.format_exception(error.value))


@bites(TOKEN)
def test_requests_repeats_a_header_that_it_does_not_send() -> None:
    import requests

    header = {"Authorization": f"Bearer {CANARY}\nx"}
    with pytest.raises(requests.exceptions.InvalidHeader, match=CANARY):
        requests.get("http://127.0.0.1:1", headers=header, timeout=1)


@held(WELL)
def test_a_load_into_a_live_server_leaves_no_password(
    exports: Exports,
    server: str,
    monkeypatch: pytest.MonkeyPatch,
    logs: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SALESOPS_POSTGRES_URL", server)
    exports.settings["destination"] = "postgres"
    exports.write("users.csv", "id,name\n1,Ann\n")
    columns = {"source_id": "id", "name": "name"}
    company = exports.company({"users": {"from": "users", "columns": columns}})
    [prepared] = prepare(company, company.sources)
    assert not leaks(repr(prepared), under=exports.root)  # as a run that is killed now leaves it
    prepared.load()
    output = capfd.readouterr()
    assert not leaks(logs.text, output.out, output.err, under=exports.root)
    assert not leaks(repr(Warehouse("postgres", server)), str(Warehouse("postgres", server)))


@held(WELL)
def test_a_load_of_a_portal_leaves_no_token(
    exports: Exports,
    monkeypatch: pytest.MonkeyPatch,
    logs: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", CANARY)
    with served(CANARY) as url:
        loaded(exports, url)
    output = capfd.readouterr()
    assert not leaks(logs.text, output.out, output.err, under=exports.root)


def whole(done: CompletedProcess[str]) -> tuple[str, str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


@thorough
@held(WELL)
def test_a_whole_run_on_a_live_server_leaves_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Copy.make(tmp_path)
    copy.settings(destination="postgres")
    with running_server(CANARY) as url:
        monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
        assert not leaks(*whole(copy.run()), under=tmp_path)
    assert not leaks(under=PROJECT / "dbt" / "target")


@thorough
@held(WELL)
def test_a_whole_run_of_a_simulated_company_leaves_no_token(tmp_path: Path) -> None:
    done = run(
        PROJECT / "company.yml", tmp_path, "--scale", "0.02",
        tampered=without("ingestion.sandbox.service:new_token", CANARY),
    )  # fmt: skip
    assert not leaks(*whole(done), under=tmp_path)


@bites(WELL)
def test_the_canary_is_found_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.log").write_text(f"at {CANARY}@")
    assert len(leaks(f"at {CANARY}", under=tmp_path)) == 2
