"""The truth's marketing, finance and activity metrics agree with the tables and with themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sandbox.world import World
from tests.truth.kpis import truth
from tests.truth.marketing import MODELS, _weights

SETTINGS = {"timezone": "Europe/Berlin", "fiscal_year_start_month": 1, "currency": "USD"}


@pytest.fixture(scope="module")
def world() -> World:
    world = World.found(seed=11, scale=0.1)
    world.advance(250)
    return world


@pytest.fixture(scope="module")
def table(world: World) -> pd.DataFrame:
    return truth(world, **SETTINGS)


def now(table: pd.DataFrame, metric: str, variant: str = "default") -> pd.Series:
    wanted = (table["metric"] == metric) & (table["variant"] == variant)
    whole = (table["period_grain"] == "all") & (table["dimension"] == "company")
    return table[wanted & whole].squeeze()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.sampled_from(list(MODELS.values())))
def test_the_weights_of_a_deal_add_up_to_one(sizes: list[int], model: str) -> None:
    nth = np.concatenate([np.arange(size) for size in sizes])
    count, deal = np.repeat(sizes, sizes), np.repeat(np.arange(len(sizes)), sizes)
    np.testing.assert_allclose(np.bincount(deal, _weights(model, nth, count)), 1.0)


def test_mrr_counts_each_active_subscription(world: World, table: pd.DataFrame) -> None:
    subscriptions = world.table("subscriptions").to_pandas()
    assert now(table, "mrr")["n_included"] == (subscriptions["status"] == "active").sum()
    assert now(table, "arr")["value"] == pytest.approx(12 * now(table, "mrr")["value"])


def test_gross_retention_is_at_most_net_and_one(table: pd.DataFrame) -> None:
    both = {
        name: table[table["metric"] == f"{name}_revenue_retention"]["value"].to_numpy()
        for name in ("net", "gross")
    }
    assert (both["gross"] <= both["net"] + 1e-12).all()
    assert (both["gross"] <= 1).all()


def test_leads_answered_and_never_answered_are_all_leads(world: World, table: pd.DataFrame) -> None:
    leads = world.table("leads").to_pandas()
    alive = (~leads["is_deleted"]).sum()
    answered = now(table, "lead_response_hours")["n_included"]
    never = now(table, "lead_response_hours", "never")
    assert never["denominator"] == alive
    assert answered + never["numerator"] == alive


def test_every_activity_is_of_one_type_and_one_owner(world: World, table: pd.DataFrame) -> None:
    counts = table[(table["metric"] == "activities") & (table["variant"] == "default")]
    sums = counts[counts["period_grain"] == "all"].groupby("dimension")["value"].sum()
    assert (sums == world.count("activities")).all()


def test_cash_is_the_payments(world: World, table: pd.DataFrame) -> None:
    assert now(table, "cash_collected")["n_included"] == world.count("payments")
