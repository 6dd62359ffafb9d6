"""Fixtures: a LinkedIn that a world or a test fills, served for real, and who advertises on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from linkedin_accounts import TOKEN, LinkedIn, Written
from written_linkedin import WrittenLinkedIn

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.linkedin_ads.api import LinkedInAdsApi
from ingestion.sandbox.world import World


@pytest.fixture(scope="session")
def advertising_world() -> World:
    """Four months of a small company; tests take copies of it."""
    world = World.found(seed=1, scale=0.06)
    world.advance(125)
    return world


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, where its warehouse will be; the token is in the environment."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LINKEDIN_ADS_ACCESS_TOKEN", TOKEN)
    return tmp_path


@pytest.fixture
def ads(advertising_world: World, data_folder: Path) -> Iterator[LinkedIn]:
    """The world's ad account behind a server that behaves."""
    world = copy.deepcopy(advertising_world)
    api = LinkedInAdsApi(world, TOKEN)
    with serving(api) as url:
        yield LinkedIn(url, data_folder, api=api, world=world)


@pytest.fixture
def written(data_folder: Path) -> Iterator[Written]:
    """A LinkedIn with nothing in it, at noon of a day in March."""
    linkedin = WrittenLinkedIn()
    with serving(linkedin) as url:
        yield Written(url, data_folder, linkedin=linkedin)
