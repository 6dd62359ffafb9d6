"""Fixtures: a small portal that is served for real."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from portals import TOKEN, Portal

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.causes import Causes


@pytest.fixture(scope="session")
def grown_world() -> World:
    """A quarter of a small company, whose histories do not lag; tests take copies of it."""
    world = World.found(seed=1, scale=0.06, causes=Causes(lagging_share=0))
    world.advance(100)
    return world


@pytest.fixture
def world(grown_world: World) -> World:
    """A world of the test's own."""
    return copy.deepcopy(grown_world)


@pytest.fixture
def portal(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The world behind a server that behaves."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    api = HubSpotApi(world, TOKEN)
    with serving(api) as url:
        yield Portal(api, url, tmp_path, world)
