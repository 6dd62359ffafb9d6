"""The simulated company keeps its records as badly as people do, and each trap is there."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from ingestion.sandbox.systems.hubspot.history import DealHistory
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY, day_number
from ingestion.sandbox.world.causes import Causes
from ingestion.sandbox.world.render import told_at
from ingestion.sandbox.world.schema import (
    NONE,
    NULL,
    NULL_DAY,
    POST_SALE,
    RELABELLED,
    STAGE_LABELS,
    STAGE_OPEN,
)
from tests.truth.history import History

SCALE = 0.15
BOOKS_IN_ORDER = Causes(
    late_entry_share=0, left_date_share=0, bare_date_share=0, lagging_share=0
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    """Just over a year of a small company."""
    world = World.found(seed=3, scale=SCALE)
    world.advance(420)
    return world


def test_closings_are_entered_at_once_late_by_day_or_not_at_all(world: World) -> None:
    deals = world.state["opportunities"]
    shut = np.flatnonzero(~STAGE_OPEN[deals["stage"]])
    told, recorded, due = (deals[name][shut] for name in ("shut_at", "closed_at", "close_date"))
    day = told // DAY
    kinds = {
        "at_once": recorded == told,
        "late": (recorded != NULL) & (recorded < told) & (due == recorded // DAY),
        "bare": (recorded == NULL) & (due == day),
        "in_the_past": (recorded == NULL) & (due < day),
        "in_the_future": due > day,
    }
    shares = {name: kind.mean() for name, kind in kinds.items()}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["at_once"] > 0.5
    assert min(shares.values()) > 0.005


def test_the_rule_puts_late_entries_where_they_belong_and_no_date_after_its_telling(
    world: World,
) -> None:
    history = History.of(world, "UTC", 1, "USD", None)
    closed = history.deals[history.deals["is_closed"]]
    told = world.state["opportunities"]["shut_at"][closed["deal"]]
    assert (closed["closed_at"] <= told).all()
    assert 0.02 < (closed["closed_at"] < told).mean() < 0.2
    assert (closed["closed_at"] >= closed["created_at"]).all()
    assert closed["is_bare"].any()


def test_a_company_that_keeps_its_books_closes_deals_when_told() -> None:
    world = World.found(seed=3, scale=SCALE, causes=BOOKS_IN_ORDER)
    world.advance(150)
    history = History.of(world, "UTC", 1, "USD", None)
    closed = history.deals[history.deals["is_closed"]]
    assert (closed["closed_at"] == world.state["opportunities"]["shut_at"][closed["deal"]]).all()


def test_won_deals_move_on_without_closing_again(world: World) -> None:
    deals = world.state["opportunities"]
    on = np.flatnonzero(np.isin(deals["stage"], POST_SALE))
    moves = History.of(world, "UTC", 1, "USD", None).moves
    of_these = moves[moves["id"].isin(on)].groupby("id")
    assert len(on) > 20
    assert not of_these["is_closing"].last().any()
    assert (of_these["at"].last() > deals["shut_at"][on]).all()


def test_histories_that_lag_catch_up(world: World) -> None:
    """What a lagging history does not tell today it tells on its day, with the deal modified."""
    deals = world.state["opportunities"]
    assert (deals["untold_at"] != NULL).any()
    behind = copy.deepcopy(world)
    while not (behind.state["opportunities"]["told_on"] >= behind.state.day).any():
        behind.advance(1)
    deals = behind.state["opportunities"]
    deal = int(np.flatnonzero(deals["told_on"] >= behind.state.day)[0])
    closing, catches_up = deals["untold_at"][deal], int(deals["told_on"][deal])
    known = len(DealHistory(behind, 1).of(np.array([deal]), ["dealstage"])[0]["dealstage"])
    stage_rows = behind.table("field_changes").num_rows
    assert deals["closed_at"][deal] == closing
    behind.advance(catches_up + 1 - behind.state.day)
    after = DealHistory(behind, 1).of(np.array([deal]), ["dealstage"])[0]["dealstage"]
    assert len(after) == known + 1
    assert behind.table("field_changes").num_rows > stage_rows
    assert behind.state["opportunities"]["updated_at"][deal] >= catches_up * DAY


def test_changes_are_told_when_they_are_made_or_later(world: World) -> None:
    log = world.state.logs["opportunities"]
    every = np.arange(len(log["at"]))
    told = told_at(world.state, every)
    assert (told >= log["at"]).all()
    assert (told > log["at"]).any()


def test_a_stage_gets_another_name() -> None:
    world = World.found(seed=3, scale=0.1)
    world.advance(day_number(world.causes.relabelled_on) - world.state.day)
    code = next(iter(RELABELLED))
    assert STAGE_LABELS[code] in world.table("field_changes")["new_value"].to_pylist()
    world.advance(1)
    for entity, column in (
        ("field_changes", "new_value"), ("field_changes", "old_value"), ("opportunities", "stage"),
        ("pipeline_stages", "stage"),
    ):  # fmt: skip
        names = world.table(entity)[column].to_pylist()
        assert STAGE_LABELS[code] not in names
        assert RELABELLED[code] in names


def test_reps_change_teams_as_a_month_begins(world: World) -> None:
    log, users = world.state.logs["users"], world.state["users"]
    field = list(users.columns).index("team_number")
    moves = (log["field"] == field) & (log["old"] != NULL_DAY)
    assert moves.any()
    assert (log["at"][moves] % DAY == 0).all()
    managers = users["manager_id"][log["id"][moves]]
    assert (users["team_number"][managers] == users["team_number"][log["id"][moves]]).all()


def test_some_teams_have_targets_and_some_reps_quotas_for_part_of_a_month(world: World) -> None:
    quotas = world.table("quotas").to_pylist()
    of_teams = {quota["team"] for quota in quotas if quota["team"]}
    assert of_teams < set(world.table("users")["team"].to_pylist())
    assert all((quota["team"] is None) != (quota["owner_id"] is None) for quota in quotas)
    assert any(quota["period_start"].day > 1 for quota in quotas)
    keys = [(q["owner_id"], q["team"], q["period_start"], q["period_grain"], q["measure"])
            for q in quotas]  # fmt: skip
    assert len(set(keys)) == len(keys)


def test_leads_are_of_deals_that_were_merged_away(world: World) -> None:
    leads, deals = world.state["leads"], world.state["opportunities"]
    named = leads["opportunity_id"][leads["opportunity_id"] != NONE]
    assert (deals["merged_into_id"][named] != NONE).any()
