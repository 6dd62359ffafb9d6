"""A simulated company's account at Stripe, as days pass and things go wrong."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from books import KEY, OF_THE_LOAD, VERSIONED, Books

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faulty import Asked
from ingestion.sandbox.systems.stripe.api import StripeApi
from ingestion.sandbox.world import World
from tests.sandbox.money_traps import upset_money
from tests.sandbox.traps import MINUTE

OF_THE_PAST = ("subscription_states", "subscription_state_items", "events")
"""What a load knows by when it was: a later first load knows less of it."""


@dataclass
class Company(Books):
    """Books of a simulated company's account."""

    api: StripeApi = field(kw_only=True)
    world: World = field(kw_only=True)

    def pass_days(self, days: int = 1) -> None:
        """Serve the world days later, with much that went wrong on the last evening."""
        later = copy.deepcopy(self.world)
        later.advance(days)
        upset_money(later.state, later.state.now - 5 * MINUTE)
        self.show(later)

    def show(self, world: World) -> None:
        """Serve another state of the world."""
        self.world = world
        self.api.show(world)

    def asked(self, path: str = "") -> list[Asked]:
        """The requests since the last `forget` of paths that end so."""
        return [asked for asked in self.api.requests if asked.path.endswith(path)]

    def forget(self) -> None:
        """Empty the request log."""
        self.api.requests.clear()

    def count(self) -> dict[str, int]:
        """How many versions each table has."""
        parts = [f"(select count(*) from raw_stripe.{name}) as {name}" for name in VERSIONED]
        [row] = self.read(f"select {', '.join(parts)}")
        return row

    def assert_like_first_load(self) -> None:
        """Raw's live records are what a first load takes in now; deleted ones may be more."""
        loaded = self.first_load()
        for table in VERSIONED:
            if table in OF_THE_PAST:
                continue
            fresh = {row["source_id"]: row for row in loaded[table]}
            found = {row["source_id"]: row for row in self.versions(table)}
            assert len(fresh) == len(loaded[table]), table
            live = {id: _said(row) for id, row in found.items() if not row["is_deleted"]}
            expected = {id: _said(row) for id, row in fresh.items() if not row["is_deleted"]}
            assert live == expected, table
            gone = {id for id, row in fresh.items() if row["is_deleted"]}
            assert gone <= {id for id, row in found.items() if row["is_deleted"]}, table


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OF_THE_LOAD}


@pytest.fixture(scope="session")
def grown_world() -> World:
    """A quarter of a small company; tests take copies of it."""
    world = World.found(seed=1, scale=0.06)
    world.advance(100)
    return world


@pytest.fixture
def account(grown_world: World, data_folder: Path) -> Iterator[Company]:
    """The world's account behind a server that behaves."""
    world = copy.deepcopy(grown_world)
    api = StripeApi(world, KEY)
    with serving(api) as url:
        yield Company(url, data_folder, api=api, world=world)
