"""An analyst who looks finds the causes: each true effect shows in the company's own tables."""

from __future__ import annotations

import pandas as pd
import pytest

from ingestion.sandbox.world import World
from ingestion.sandbox.world.causes import Causes

NEW_BUSINESS = ["Discovery", "Qualification", "Demo", "Proposal", "Negotiation", "Contract"]


@pytest.fixture(scope="module")
def world() -> World:
    return World.create(1, 0.3, Causes(weak_skill_share=0.5, trained_skill_odds=0.35))


@pytest.fixture(scope="module")
def visits(world: World) -> pd.DataFrame:
    changes = world.table("field_changes").to_pandas()
    stages = changes[changes["field"] == "stage"].sort_values(["entity_id", "changed_at"])
    stages["next_stage"] = stages.groupby("entity_id")["new_value"].shift(-1)
    stages["left_at"] = stages.groupby("entity_id")["changed_at"].shift(-1)
    stages["days"] = (stages["left_at"] - stages["changed_at"]).dt.total_seconds() / 86_400
    return stages


def test_slow_answers_convert_less(world: World) -> None:
    leads = world.table("leads").to_pandas()
    hours = (leads["first_response_at"] - leads["created_at"]).dt.total_seconds() / 3600
    converted = leads["converted_at"].notna()
    fast, slow = converted[hours <= 1].mean(), converted[hours > 24].mean()
    assert fast > 2 * slow


def test_one_stage_is_a_bottleneck_since_a_known_day(world: World, visits: pd.DataFrame) -> None:
    begun = pd.Timestamp(world.causes.bottleneck_from)
    length = visits.groupby(["new_value", visits["changed_at"] >= begun])["days"].median().unstack()
    slower = length[True] / length[False]
    assert slower.idxmax() == world.causes.bottleneck_stage
    assert slower.max() > 1.5


def test_fewer_deals_advance_in_the_bad_quarter(world: World, visits: pd.DataFrame) -> None:
    left = visits[visits["new_value"].isin(NEW_BUSINESS) & visits["left_at"].notna()]
    advanced = ~left["next_stage"].isin(["Closed Lost", "No Decision"])
    rates = advanced.groupby(left["left_at"].dt.to_period("Q")).mean()
    assert rates["2023Q2":].idxmin() == pd.Period(world.causes.bad_quarter, "Q")


def test_the_experiment_has_its_effect(world: World, visits: pd.DataFrame) -> None:
    assigned = world.table("experiment_assignments").to_pandas()
    first = visits[visits["new_value"] == world.causes.experiment_stage]
    first = first.drop_duplicates("entity_id").set_index("entity_id")
    moved = first.loc[assigned["unit_id"], "next_stage"].isin(["Negotiation", "Contract"])
    share = moved.groupby(assigned["variant"].to_numpy()).mean()
    assert share["treatment"] - share["control"] > 0.03


def test_reps_are_weak_where_they_lack_the_skill(world: World, visits: pd.DataFrame) -> None:
    lacks = dict(
        zip(world.table("users")["source_id"].to_pylist(), world.state["users"]["weak_stage"],
            strict=True)
    )  # fmt: skip
    deals = world.table("opportunities").to_pandas()
    weakness = visits["entity_id"].map(deals.set_index("source_id")["owner_id"].map(lacks))
    left = visits[visits["new_value"].isin(NEW_BUSINESS) & visits["left_at"].notna()]
    stage = left["new_value"].map(NEW_BUSINESS.index)
    advanced = ~left["next_stage"].isin(["Closed Lost", "No Decision"])
    above_usual = advanced - advanced.groupby(stage).transform("mean")
    assert above_usual[weakness[left.index] == stage].mean() < -0.08
