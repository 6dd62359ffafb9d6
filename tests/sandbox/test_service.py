"""The sandbox as a service: kept, advanced, exported, served, and gone afterwards."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow.parquet
import pytest

from ingestion.company.reading import load_company
from ingestion.sandbox.service import SandboxError, Use, export_company, running
from ingestion.sandbox.world import World

SCALE = 0.02
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


def test_a_company_of_exports_alone_goes_on_too(folder: Path) -> None:
    before = World.load(folder / "sandbox" / "world").now
    company = load_company(export_company(folder / "sandbox", days=1))
    assert company.as_of == World.load(folder / "sandbox" / "world").now > before


def test_another_scale_than_the_kept_one_is_refused(folder: Path) -> None:
    with pytest.raises(SandboxError, match=r"SEED=7 SCALE=0\.02; leave"):  # noqa: SIM117
        with running(folder, USE, scale=1):
            pass
