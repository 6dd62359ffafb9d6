"""The first load of a simulated account, and increments after it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from books import KEY
from worlds import Company

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.stripe.api import StripeApi
from ingestion.sandbox.world import World

WITHOUT_EVENTS = ("/v1/invoiceitems", "/v1/balance_transactions")


@pytest.fixture(scope="module")
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


def test_five_increments_come_to_what_a_first_load_has(account: Company) -> None:
    account.sync()
    account.assert_like_first_load()
    for _ in range(5):
        account.pass_days()
        account.forget()
        account.sync()
        lists = {asked.path for asked in account.asked() if asked.path.count("/") == 2}
        assert lists <= {"/v1/events", *WITHOUT_EVENTS, "/v1/subscription_items"}
        account.assert_like_first_load()


def test_an_increment_reads_the_day_and_not_the_history(account: Company) -> None:
    account.sync()
    whole = sum(asked.rows for asked in account.asked())
    account.pass_days()
    account.forget()
    report = account.sync()
    read = [asked for asked in account.asked() if asked.path.count("/") == 3]
    assert len({asked.path for asked in read}) == len(read)
    changed = sum(table.rows_new + table.rows_changed for table in report.tables)
    print(whole, len(read), sum(asked.rows for asked in account.asked()), changed)


def test_nothing_new_is_nothing_written(account: Company) -> None:
    account.sync()
    before = account.count()
    report = account.sync()
    assert report.is_unchanged
    assert account.count() == before
    later = copy.deepcopy(account.world)
    account.show(later)
    assert account.sync().is_unchanged
