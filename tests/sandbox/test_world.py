"""The world is deterministic, goes on from where it was, and keeps its own books straight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sandbox.world import TABLES, World
from ingestion.sandbox.world.schema import ENTITIES, NONE, NULL, STAGE_OPEN
from ingestion.sandbox.world.store import LOG_COLUMNS

SCALE = 0.1
DAYS = 260


@pytest.fixture(scope="module")
def world() -> World:
    world = World.found(seed=3, scale=SCALE)
    world.advance(DAYS)
    return world


def assert_same(left: World, right: World) -> None:
    assert left.now == right.now
    for entity, store in left.state.stores.items():
        for name in store.columns:
            np.testing.assert_array_equal(
                store[name], right.state[entity][name], f"{entity}.{name}"
            )
    for entity, log in left.state.logs.items():
        for name in LOG_COLUMNS:
            np.testing.assert_array_equal(log[name], right.state.logs[entity][name], entity)


@given(chunks=st.lists(st.integers(1, 9), min_size=2, max_size=5), seed=st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_days_in_any_chunks_give_the_same_company(chunks: list[int], seed: int) -> None:
    at_once, in_steps = World.found(seed, SCALE), World.found(seed, SCALE)
    at_once.advance(sum(chunks))
    for days in chunks:
        in_steps.advance(days)
    assert_same(at_once, in_steps)


def test_seeds_differ() -> None:
    one, other = World.found(1, SCALE), World.found(2, SCALE)
    one.advance(30)
    other.advance(30)
    assert not one.table("opportunities").equals(other.table("opportunities"))


def test_a_saved_world_goes_on(world: World, tmp_path: Path) -> None:
    world.save(tmp_path / "world")
    world.save(tmp_path / "world")
    loaded, straight = World.load(tmp_path / "world"), World.load(tmp_path / "world")
    assert_same(world, loaded)
    loaded.advance(3)
    straight.advance(3)
    assert_same(straight, loaded)
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_a_save_that_broke_off_leaves_the_old_world(world: World, tmp_path: Path) -> None:
    world.save(tmp_path / "world")
    (tmp_path / "world").rename(tmp_path / "world.old")
    (tmp_path / "world.new").mkdir()
    assert_same(world, World.load(tmp_path / "world"))
    (tmp_path / "world").rename(tmp_path / "world.old")
    world.save(tmp_path / "world")
    assert_same(world, World.load(tmp_path / "world"))


def test_load_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no world in"):
        World.load(tmp_path / "nowhere")


def test_unknown_entity_is_named(world: World) -> None:
    with pytest.raises(KeyError, match="unicorns"):
        world.table("unicorns")


@pytest.mark.parametrize("entity", TABLES)
def test_tables_have_unique_ids_and_lie_in_the_past(world: World, entity: str) -> None:
    table = world.table(entity)
    ids = table["source_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert all(value.isdigit() for value in ids)
    updated = table["source_updated_at"]
    assert updated.type == pa.timestamp("us")
    assert updated.null_count == 0
    now = world.now.replace(tzinfo=None)
    assert all(moment < now for moment in updated.to_pylist())


@pytest.mark.parametrize("entity", [entity for entity in TABLES if entity != "pipeline_stages"])
def test_rows_changed_since_are_the_later_part_of_the_table(world: World, entity: str) -> None:
    since = world.now - timedelta(days=20)
    table = world.table(entity)
    later = table["source_updated_at"].to_numpy() >= np.datetime64(since.replace(tzinfo=None))
    changed = world.table(entity, world.rows_changed_since(entity, since))
    assert changed.equals(table.filter(pa.array(later)))


@pytest.mark.parametrize("entity", [e for e in ENTITIES if any(c.tracked for c in ENTITIES[e])])
def test_replaying_the_log_gives_the_current_state(world: World, entity: str) -> None:
    log, store = world.state.logs[entity], world.state[entity]
    order = np.argsort(log["at"], kind="stable")
    for index, column in enumerate(ENTITIES[entity]):
        if not column.tracked:
            continue
        events = order[log["field"][order] == index]
        replayed = np.full(len(store), column.null, column.dtype)
        for event in events:
            row = log["id"][event]
            assert log["old"][event] == replayed[row], (entity, column.name)
            replayed[row] = log["new"][event]
        np.testing.assert_array_equal(replayed, store[column.name], column.name)


def test_no_deal_changes_after_it_was_deleted_or_merged(world: World) -> None:
    deals, log = world.state["opportunities"], world.state.logs["opportunities"]
    fields = [c.name for c in ENTITIES["opportunities"]]
    ends = np.isin(log["field"], [fields.index("is_deleted"), fields.index("merged_into_id")])
    last = np.full(len(deals), np.iinfo(np.int64).max)
    last[log["id"][ends]] = log["at"][ends]
    assert ends.sum() > 3
    assert (log["at"] <= last[log["id"]]).all()
    gone = last < np.iinfo(np.int64).max
    assert (deals["updated_at"][gone] == last[gone]).all()


def test_only_closed_deals_have_closed_at_and_all_were_shut(world: World) -> None:
    deals = world.state["opportunities"]
    is_closed = ~STAGE_OPEN[deals["stage"]]
    assert is_closed[deals["closed_at"] != NULL].all()
    assert ((deals["shut_at"] != NULL) == is_closed).all()
    assert (deals["is_open"][is_closed] == 0).all()
    alive = (deals["is_deleted"] == 0) & (deals["merged_into_id"] == NONE)
    assert ((deals["is_open"] == 1) == (alive & ~is_closed)).all()


def test_invoices_are_their_lines_and_tax(world: World) -> None:
    invoices, lines = world.state["invoices"], world.state["invoice_lines"]
    sums = np.zeros(len(invoices), np.int64)
    np.add.at(sums, lines["invoice_id"], lines["amount"])
    net = sums - invoices["discount"]
    np.testing.assert_array_equal(net + invoices["tax"], invoices["total"])
    paid = np.zeros(len(invoices), np.int64)
    payments = world.state["payments"]
    np.add.at(paid, payments["invoice_id"], payments["amount"])
    np.testing.assert_array_equal(paid, invoices["amount_paid"])


def test_subscriptions_hand_over_without_a_gap(world: World) -> None:
    table = world.state["subscriptions"]
    replaced = table["status"] == 1
    starts = set(zip(table["customer_id"].tolist(), table["started_at"].tolist(), strict=True))
    ends = zip(
        table["customer_id"][replaced].tolist(), table["ended_at"][replaced].tolist(), strict=True
    )
    assert set(ends) <= starts


def test_bulk_edits_share_one_moment(world: World) -> None:
    updated = world.state["opportunities"]["updated_at"]
    assert np.unique(updated, return_counts=True)[1].max() > 30


def test_now_is_the_midnight_after_the_last_day(world: World) -> None:
    assert world.now == datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=DAYS)
