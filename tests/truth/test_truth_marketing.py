"""The truth's marketing, finance and activity metrics agree with the tables and with themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sandbox.world import World
from tests.truth.attribution import MODELS, WHOLE, cumulated, shares
from tests.truth.kpis import truth

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


@given(st.integers(1, 40), st.integers(1, 10**12), st.sampled_from(list(MODELS.values())))
def test_a_deal_is_shared_out_to_the_cent(size: int, cents: int, model: str) -> None:
    touch, count = np.arange(size), np.full(size, size)
    before, upto = (cumulated(model, nth, count) for nth in (touch, touch + 1))
    amounts = np.full(size, cents)
    assert before[0] == 0
    assert (upto - before).sum() == WHOLE
    assert (upto >= before).all()
    assert (shares(amounts, upto) - shares(amounts, before)).sum() == cents


@pytest.mark.parametrize(
    ("model", "amounts"),
    [
        ("first", [10_000, 0, 0, 0]),
        ("last", [0, 0, 0, 10_000]),
        ("linear", [2_500, 2_500, 2_500, 2_500]),
        ("position", [4_000, 1_000, 1_000, 4_000]),
    ],
)
def test_four_touches_share_a_hundred_dollars(model: str, amounts: list[int]) -> None:
    count, cents = np.full(4, 4), np.full(4, 10_000)
    parts = [shares(cents, cumulated(model, np.arange(4) + up, count)) for up in (0, 1)]
    assert list(parts[1] - parts[0]) == amounts


def test_cents_that_cannot_be_shared_go_to_the_touch_that_reaches_them() -> None:
    """A dollar among three: 33.33, 66.67 (half up) and 100 cents in all."""
    count, cents = np.full(3, 3), np.full(3, 100)
    parts = [shares(cents, cumulated("linear", np.arange(3) + up, count)) for up in (0, 1)]
    assert list(parts[1] - parts[0]) == [33, 34, 33]
    pair = [shares(np.full(2, 101), cumulated("position", np.arange(2) + up, np.full(2, 2)))
            for up in (0, 1)]  # fmt: skip
    assert list(pair[1] - pair[0]) == [51, 50]


def test_mrr_counts_each_active_subscription(world: World, table: pd.DataFrame) -> None:
    subscriptions = world.table("subscriptions").to_pandas()
    counts = subscriptions["status"].isin(["active", "past_due"])
    assert now(table, "mrr")["n_included"] == counts.sum()
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
    assert (sums == world.table("activities")["is_done"].to_pylist().count(True)).all()


def test_cash_is_the_payments(world: World, table: pd.DataFrame) -> None:
    assert now(table, "cash_collected")["n_included"] == world.count("payments")
