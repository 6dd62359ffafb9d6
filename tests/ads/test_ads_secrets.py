"""No token of an advertising platform is in any file, message or error, whatever goes wrong.

What opens the accounts: Google's developer token, client secret, refresh token and the access
tokens that it gives for it, Meta's token, which Meta repeats in the address of each next page, and
LinkedIn's. SALESOPS_THOROUGH=1 looks through all that whole runs leave, too.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.errors import SourceError
from ingestion.pipeline import load_source, prepare
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.meta_ads import questions
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from tests.ad_company import PLATFORMS, wait_for_nothing, write_ad_company
from tests.faults.attacks import without
from tests.runs import run
from tests.sandbox.simulated_company import ALL_AT_ONCE, SECRETS, ServedCompany, served
from tests.thorough import thorough
from tests.wire import Exchange, overheard

DEVELOPER_TOKEN = "gads-developer-cAnArY1"
HELD = {
    "Google's developer token": DEVELOPER_TOKEN,
    # In the sandbox they are one.
    "Google's client secret and refresh token": SECRETS["google_ads"],
    "Meta's token": SECRETS["meta_ads"],
    "LinkedIn's token": SECRETS["linkedin_ads"],
}
CANARY = "cAnArY7x"
GIVEN = re.compile(r"ya29\.[0-9a-f]+")
"""The access tokens that Google gives."""


@pytest.fixture(scope="module")
def grown_world() -> World:
    """A quarter of a small company."""
    world = World.found(seed=6, scale=0.1)
    world.advance(90)
    return world


@pytest.fixture
def company(
    grown_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedCompany]:
    """The company, whose pages at Meta are short: there are next ones."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(questions, "PAGE_LIMIT", 40)
    wait_for_nothing(monkeypatch)
    with served(grown_world, write_ad_company(tmp_path / "company.yml", ["fx_rates"])) as company:
        yield company


def secrets(heard: list[Exchange]) -> dict[str, str]:
    """All that opens accounts, with what Google gave."""
    given = {token for it in heard for token in GIVEN.findall(it.answer.decode("utf-8", "replace"))}
    return HELD | {f"access token {number}": token for number, token in enumerate(given, 1)}


def leaks(held: Mapping[str, str], *texts: str, under: Path) -> list[str]:
    """Which secret is in which text or file."""
    files = [path for path in under.rglob("*") if path.is_file()]
    assert len(files) > 1
    found = [f"{name}: said" for name, secret in held.items() for text in texts if secret in text]
    for path in files:
        content = path.read_bytes()
        found += [f"{name}: {path}" for name, secret in held.items() if secret.encode() in content]
    return found


def test_loads_leave_no_secret(
    company: ServedCompany,
    logs: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    said: list[str] = []
    with overheard() as heard:
        for faults in (Faults(), replace(ALL_AT_ONCE, drift={}, hang_seconds=1.5, seed=3)):
            company.misbehave(faults)
            whole = company.company
            monkeypatch.setenv("GOOGLE_ADS_DEVELOPER_TOKEN", DEVELOPER_TOKEN)
            for prepared in prepare(whole, whole.sources, progress=said.append):
                # As a run that is killed now leaves it.
                assert not leaks(secrets(heard), repr(prepared), under=tmp_path)
                prepared.load(said.append)
    held = secrets(heard)
    assert len(held) > len(HELD)
    assert any(DEVELOPER_TOKEN in it.headers.values() for it in heard)
    repeated = [it for it in heard if SECRETS["meta_ads"].encode() in it.answer]
    assert any(b'"next"' in it.answer for it in repeated)
    logged = "\n".join(str(line) for api in company.apis.values() for line in api.requests)
    assert not leaks(held, logs.text, *said, logged, under=tmp_path)
    assert not GIVEN.search(logs.text + logged)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(rate_limited=1.0, retry_after_seconds=0),
        Faults(server_error=1.0),
        Faults(truncate=1.0),
        Faults(drop=1.0),
        Faults(cut=1.0),
        Faults(forbidden=tuple(account.id for account in AD_ACCOUNTS)),
        Faults(token_requests=1),
    ],
    ids=["limits", "errors", "truncated", "dropped", "cut", "no access", "expired"],
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_fails_says_no_secret(
    company: ServedCompany,
    logs: pytest.LogCaptureFixture,
    tmp_path: Path,
    platform: str,
    faults: Faults,
) -> None:
    [source] = [it for it in company.company.sources if it.type == platform]
    is_google = platform == "google_ads"
    if is_google and faults.token_requests:
        # Its readers share a token.
        faults = replace(faults, token_requests=5)
    company.misbehave(faults)
    said: list[str] = []
    with overheard() as heard:
        if is_google and (faults.token_requests or faults.forbidden):
            # It renews tokens that have expired; an account that is closed is shown in any case.
            report = load_source(company.company, source, progress=said.append)
            assert any("CANCELED" in warning for warning in report.warnings)
            said += report.warnings
        else:
            with pytest.raises(SourceError) as refused:
                load_source(company.company, source, progress=said.append)
            said += traceback.format_exception(refused.value)
    assert not leaks(secrets(heard), logs.text, *said, under=tmp_path)


@pytest.mark.parametrize(
    ("platform", "variable"),
    [
        ("google_ads", "GOOGLE_ADS_CLIENT_SECRET"),
        ("google_ads", "GOOGLE_ADS_REFRESH_TOKEN"),
        ("linkedin_ads", "LINKEDIN_ADS_ACCESS_TOKEN"),
        ("meta_ads", "META_ADS_ACCESS_TOKEN"),
    ],
)
def test_a_wrong_secret_is_named_by_its_variable_alone(
    company: ServedCompany,
    logs: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    platform: str,
    variable: str,
) -> None:
    whole = company.company
    [source] = [it for it in whole.sources if it.type == platform]
    monkeypatch.setenv(variable, CANARY)
    with overheard() as heard, pytest.raises(SourceError) as refused:
        load_source(whole, source)
    assert variable in str(refused.value)
    told = traceback.format_exception(refused.value)
    held = {"wrong": CANARY, **secrets(heard)}
    assert not leaks(held, logs.text, *told, under=tmp_path)


def test_a_secret_is_found_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "log").write_text(f"next=https://x?access_token={SECRETS['meta_ads']}&a=1")
    [in_text, in_file] = leaks(HELD, DEVELOPER_TOKEN, under=tmp_path)
    assert in_text == "Google's developer token: said"
    assert in_file.startswith("Meta's token: ")


@thorough
def test_a_whole_run_leaves_no_secret(tmp_path: Path) -> None:
    """All of a run and one of a week later: what is published, logs, and the sandbox's own log."""
    company = write_ad_company(tmp_path / "company.yml")
    for options in (("--scale", "0.02"), ("--days", "7")):
        done = run(
            company, tmp_path / "data", *options,
            tampered=without("ingestion.sandbox.service:new_token", CANARY),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        held = {"a secret": CANARY, "an access token of Google's": "ya29."}
        assert not leaks(held, done.stdout, done.stderr, under=tmp_path)
    assert [*tmp_path.rglob("requests.jsonl")]
