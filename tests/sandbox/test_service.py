"""The sandbox as a service: kept, advanced, exported, served, and gone afterwards."""

from __future__ import annotations

import datetime as dt
import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow.parquet
import pytest

from dagster_project.run.simulation import connected
from ingestion.company.reading import load_company
from ingestion.sandbox.service import (
    SYSTEMS,
    Sandbox,
    SandboxError,
    System,
    Use,
    export_company,
    prepare,
    running,
)
from ingestion.sandbox.world import World
from ingestion.sources.registry import SOURCE_TYPES

SCALE = 0.02
COMPANY = """
name: Connected
currency: USD
timezone: UTC
sources:
  - {name: crm, type: hubspot, token_env: CRM_TOKEN}
  - {name: stripe, type: stripe}
  - {name: search, type: google_ads, developer_token_env: SEARCH_DEVELOPER_TOKEN}
  - {name: social, type: meta_ads, token_env: SOCIAL_TOKEN}
  - {name: business, type: linkedin_ads, token_env: BUSINESS_TOKEN}
  - name: erp
    type: sql
    address_env: ERP_DATABASE_URL
    entities: {costs: {from: cost}}
  - {name: exports, type: files, path: ., entities: {quotas: {from: quotas.csv}}}
"""
USE = Use(("hubspot",), ("quotas", "touches"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A company's folder with a young world in it."""
    world = World.found(seed=7, scale=SCALE)
    world.advance(40)
    (tmp_path / "sandbox").mkdir()
    world.save(tmp_path / "sandbox" / "world")
    return tmp_path


def get(url: str, token: str) -> dict[str, object]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_it_serves_while_it_runs_and_keeps_the_log_of_requests(folder: Path) -> None:
    with running(folder, USE, scale=SCALE) as sandbox:
        hubspot = sandbox.systems["hubspot"]
        url = f"{hubspot.url}/crm/v3/objects/deals?limit=1"
        assert len(get(url, hubspot.secret)["results"]) == 1
    with pytest.raises(urllib.error.URLError):
        get(url, hubspot.secret)
    [asked] = (folder / "sandbox" / "requests.jsonl").read_text().splitlines()
    told = json.loads(asked)
    assert (told["system"], told["path"]) == ("hubspot", "/crm/v3/objects/deals")


def test_each_system_has_a_place_and_a_secret_of_its_own_and_all_are_in_the_log(
    folder: Path,
) -> None:
    with running(folder, Use(("hubspot", "stripe"), ())) as sandbox:
        hubspot, stripe = sandbox.systems["hubspot"], sandbox.systems["stripe"]
        assert hubspot.url != stripe.url
        assert "customers" in str(get(f"{stripe.url}/v1/customers?limit=1", stripe.secret)["url"])
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(f"{stripe.url}/v1/customers", hubspot.secret)
        get(f"{hubspot.url}/crm/v3/owners", hubspot.secret)
        assert hubspot.secret not in repr(sandbox)
    log = (folder / "sandbox" / "requests.jsonl").read_text()
    asked = [json.loads(line) for line in log.splitlines()]
    assert [(line["system"], line["status"]) for line in asked] == [
        ("hubspot", 200), ("stripe", 200), ("stripe", 401),
    ]  # fmt: skip
    assert stripe.secret not in log


def test_sources_are_pointed_to_their_systems_and_given_their_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "CRM_TOKEN", "STRIPE_API_KEY", "ERP_DATABASE_URL", "SEARCH_DEVELOPER_TOKEN",
        "GOOGLE_ADS_CLIENT_ID", "GOOGLE_ADS_CLIENT_SECRET", "GOOGLE_ADS_REFRESH_TOKEN",
        "SOCIAL_TOKEN", "BUSINESS_TOKEN",
    ):  # fmt: skip
        monkeypatch.setenv(name, "of somebody else")
    file = tmp_path / "company.yml"
    file.write_text(COMPANY)
    (tmp_path / "quotas.csv").write_text("owner_id,target\n1,2\n")
    company = load_company(file)
    systems = {name: System(f"http://127.0.0.1/{name}", f"secret of {name}") for name in SYSTEMS}
    now = dt.datetime(2025, 3, 1)
    found = connected(company, Sandbox(systems, now))
    assert [getattr(source, "url", None) for source in found.sources] == [
        systems["hubspot"].url, systems["stripe"].url, systems["google_ads"].url,
        systems["meta_ads"].url, systems["linkedin_ads"].url, None, None,
    ]  # fmt: skip
    assert getattr(found.sources[2], "token_url", None) == f"{systems['google_ads'].url}/token"
    assert os.environ["CRM_TOKEN"] == "secret of hubspot"
    assert os.environ["STRIPE_API_KEY"] == "secret of stripe"
    assert os.environ["SEARCH_DEVELOPER_TOKEN"] == "secret of google_ads"
    assert os.environ["GOOGLE_ADS_REFRESH_TOKEN"] == "secret of google_ads"
    assert os.environ["SOCIAL_TOKEN"] == "secret of meta_ads"
    assert os.environ["BUSINESS_TOKEN"] == "secret of linkedin_ads"
    assert os.environ["ERP_DATABASE_URL"] == systems["sql"].url
    assert found.sources[-1] == company.sources[-1]
    assert found.as_of == now
    assert SOURCE_TYPES.keys() > SYSTEMS


def test_days_pass_and_are_kept(folder: Path) -> None:
    with running(folder, USE, days=2, scale=SCALE) as sandbox:
        advanced = sandbox.now
    with running(folder, USE, scale=SCALE) as sandbox:
        assert sandbox.now == advanced
    assert World.load(folder / "sandbox" / "world").now == advanced


def test_exports_are_those_that_are_read_and_follow_the_days(folder: Path) -> None:
    with running(folder, USE, scale=SCALE):
        exports = folder / "sandbox" / "exports"
    assert {path.name for path in exports.iterdir()} == {"quotas.csv", "touches.parquet"}
    before = {path.name: path.read_bytes() for path in exports.iterdir()}
    (folder / "sandbox" / "exported.txt").unlink()
    with running(folder, USE, scale=SCALE):
        pass
    assert {path.name: path.read_bytes() for path in exports.iterdir()} == before
    with running(folder, USE, days=3, scale=SCALE):
        pass
    world = World.load(folder / "sandbox" / "world")
    assert pyarrow.parquet.read_table(exports / "touches.parquet").equals(world.table("touches"))


def test_exports_leave_out_the_platforms_that_are_read_and_follow_a_change_of_those(
    folder: Path,
) -> None:
    file = folder / "sandbox" / "exports" / "spend_daily.parquet"
    told = {}
    for systems in ((), ("meta_ads",), ("google_ads", "meta_ads")):
        prepare(folder, Use(systems, ("campaigns", "spend_daily")))
        told[systems] = set(pyarrow.parquet.read_table(file)["platform"].to_pylist())
    whole = told[()]
    assert whole >= {"google_ads", "meta_ads"}
    assert told["meta_ads",] == whole - {"meta_ads"}
    assert told["google_ads", "meta_ads"] == whole - {"google_ads", "meta_ads"}


def test_a_company_of_exports_alone_goes_on_too(folder: Path) -> None:
    before = World.load(folder / "sandbox" / "world").now
    company = load_company(export_company(folder / "sandbox", days=1))
    assert company.as_of == World.load(folder / "sandbox" / "world").now > before


def test_another_scale_than_the_kept_one_is_refused(folder: Path) -> None:
    with pytest.raises(SandboxError, match=r"SEED=7 SCALE=0\.02; leave"):  # noqa: SIM117
        with running(folder, USE, scale=1):
            pass


def test_a_company_of_another_version_is_refused(tmp_path: Path) -> None:
    saved = tmp_path / "sandbox" / "world" / "world.json"
    saved.parent.mkdir(parents=True)
    saved.write_text('{"format": 1}')
    with pytest.raises(SandboxError, match=r"another version of salesops; remove that folder"):
        prepare(tmp_path, USE)
