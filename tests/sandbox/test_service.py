"""The sandbox as a service: kept, advanced, exported, served, and gone afterwards."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow.parquet
import pytest

from ingestion.company.reading import load_company
from ingestion.sandbox.exports import CSV_ENTITIES, PARQUET_ENTITIES
from ingestion.sandbox.service import SandboxError, export_company, running
from ingestion.sandbox.world import World

SCALE = 0.02


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
    with running(folder, scale=SCALE) as sandbox:
        url = f"{sandbox.url}/crm/v3/objects/deals?limit=1"
        assert len(get(url, sandbox.token)["results"]) == 1
    with pytest.raises(urllib.error.URLError):
        get(url, sandbox.token)
    [asked] = (folder / "sandbox" / "requests.jsonl").read_text().splitlines()
    assert json.loads(asked)["path"] == "/crm/v3/objects/deals"


def test_days_pass_and_are_kept(folder: Path) -> None:
    with running(folder, days=2, scale=SCALE) as sandbox:
        advanced = sandbox.now
    with running(folder, scale=SCALE) as sandbox:
        assert sandbox.now == advanced
    assert World.load(folder / "sandbox" / "world").now == advanced


def test_exports_hold_what_the_crm_does_not_and_follow_the_days(folder: Path) -> None:
    with running(folder, scale=SCALE):
        exports = folder / "sandbox" / "exports"
    names = {f"{name}.csv" for name in CSV_ENTITIES} | {f"{n}.parquet" for n in PARQUET_ENTITIES}
    assert {path.name for path in exports.iterdir()} == names
    before = {path.name: path.read_bytes() for path in exports.iterdir()}
    (folder / "sandbox" / "exported.txt").unlink()
    with running(folder, scale=SCALE):
        pass
    assert {path.name: path.read_bytes() for path in exports.iterdir()} == before
    with running(folder, days=3, scale=SCALE):
        pass
    world = World.load(folder / "sandbox" / "world")
    assert pyarrow.parquet.read_table(exports / "touches.parquet").equals(world.table("touches"))


def test_a_company_of_exports_alone_goes_on_too(folder: Path) -> None:
    before = World.load(folder / "sandbox" / "world").now
    company = load_company(export_company(folder / "sandbox", days=1))
    assert company.as_of == World.load(folder / "sandbox" / "world").now > before


def test_another_scale_than_the_kept_one_is_refused(folder: Path) -> None:
    with pytest.raises(SandboxError, match=r"SEED=7 SCALE=0\.02; leave"):  # noqa: SIM117
        with running(folder, scale=1):
            pass
