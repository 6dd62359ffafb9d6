"""The truth agrees with itself: parts with wholes, months with years, replays with the past."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ingestion.sandbox.world import World
from ingestion.sandbox.world.causes import Causes
from ingestion.sandbox.world.schema import POST_SALE, STAGES
from tests.truth.history import History
from tests.truth.kpis import truth
from tests.truth.little_world import LittleWorld
from tests.truth.stages import stage_entries, stage_visits
from tests.truth.table import COLUMNS

SETTINGS = {"timezone": "America/New_York", "fiscal_year_start_month": 2, "currency": "EUR"}
KEY = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
ADDITIVE = ("deals_won", "deals_lost", "deals_no_decision", "revenue_won", "pipeline_created")
TIMELY = Causes(late_entry_share=0, left_date_share=0)
"""A company whose closings bear no earlier date than that of their entry."""
REPORTED_LATE = (
    "marketing_spend", "cost_per_lead", "customer_acquisition_cost", "cac_payback_months",
    "return_on_ad_spend",
    "activities", "follow_up_gap_days", "touches_per_won_deal", "inquiry_response_hours",
)  # fmt: skip
"""Metrics on facts that reach the records after they happened: spend, costs, some activities."""


@pytest.fixture(scope="module")
def world() -> World:
    world = World.found(seed=5, scale=0.1)
    world.advance(330)
    return world


@pytest.fixture(scope="module")
def table(world: World) -> pd.DataFrame:
    return truth(world, **SETTINGS)


def cells(table: pd.DataFrame, metric: str, variant: str = "default") -> pd.DataFrame:
    return table[(table["metric"] == metric) & (table["variant"] == variant)]


def test_each_cell_is_there_once(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(KEY).any()
    assert not table["dimension_key"].isna().any()


def test_value_is_numerator_by_denominator(table: pd.DataFrame) -> None:
    ratio = table[table["denominator"].notna()]
    expected = ratio["numerator"] / ratio["denominator"].where(ratio["denominator"] != 0)
    np.testing.assert_allclose(ratio["value"], expected, rtol=1e-12)


@pytest.mark.parametrize("metric", ADDITIVE)
def test_parts_of_every_cut_add_up_to_the_company(table: pd.DataFrame, metric: str) -> None:
    metric_cells = cells(table, metric)
    grouped = metric_cells.groupby(["period_grain", "period_start", "dimension"], dropna=False)
    sums = grouped[["value", "n_included", "n_excluded"]].sum().reset_index()
    company = sums[sums["dimension"] == "company"].drop(columns="dimension")
    both = sums.merge(company, on=["period_grain", "period_start"], suffixes=("", "_company"))
    for column in ("value", "n_included", "n_excluded"):
        np.testing.assert_allclose(both[column], both[column + "_company"], atol=0.005)


@pytest.mark.parametrize("metric", ADDITIVE)
def test_periods_of_every_grain_add_up_to_all(table: pd.DataFrame, metric: str) -> None:
    company = cells(table, metric).query("dimension == 'company'")
    sums = company.groupby("period_grain")["value"].sum()
    np.testing.assert_allclose(sums, sums["all"], atol=0.005)


def test_quarters_follow_the_fiscal_year(table: pd.DataFrame) -> None:
    months = {
        grain: {start.month for start in table[table["period_grain"] == grain]["period_start"]}
        for grain in ("quarter", "year")
    }
    assert months == {"quarter": {2, 5, 8, 11}, "year": {2}}


def test_the_past_replayed_is_the_past(table: pd.DataFrame) -> None:
    """A world seen at a past moment is the world that ended then, but for what is entered late."""
    earlier = World.found(seed=5, scale=0.1, causes=TIMELY)
    earlier.advance(120)
    later = World.found(seed=5, scale=0.1, causes=TIMELY)
    later.advance(145)
    moment = earlier.now - timedelta(microseconds=1)
    settings = {**SETTINGS, "as_of": moment}
    early, late = (
        table[~table["metric"].isin(REPORTED_LATE)].reset_index(drop=True)
        for table in (truth(earlier, **settings), truth(later, **settings))
    )
    pd.testing.assert_frame_equal(early, late)


def test_nothing_that_changes_is_read_but_from_the_log(world: World) -> None:
    history = History.of(world, **SETTINGS, as_of=None)
    with pytest.raises(KeyError, match="replay it from the log"):
        history.fact("opportunities", "stage")


def test_a_missing_rate_is_an_error(world: World) -> None:
    history = History.of(world, **SETTINGS, as_of=None)
    with pytest.raises(ValueError, match="no USD rate"):
        history.convert(np.array([100]), np.array([0]), 0)


def test_amounts_are_rounded_half_up_at_the_latest_rate(world: World) -> None:
    history = History.of(world, **SETTINGS, as_of=None)
    saturday = int(history.local_day(np.array([history.as_of]))[0]) // 7 * 7 + 2
    quotes = world.table("fx_rates").to_pandas()
    to_euro = quotes[(quotes["from_currency"] == "USD") & (quotes["to_currency"] == "EUR")]
    day = (datetime(1970, 1, 1) + timedelta(days=saturday - 7)).date()
    rate = to_euro[to_euro["day"] <= day]["rate"].iloc[-1]
    expected = int((rate * 12345).quantize(rate.__class__("1"), rounding="ROUND_HALF_UP"))
    converted = history.convert(np.array([12345, -12345]), np.array([0, 0]), saturday - 7)
    assert list(converted) == [expected, -expected]


def test_a_credit_is_rounded_as_what_it_credits() -> None:
    """Half a cent is a cent, given or taken: so does `round` of decimals in SQL."""
    little = LittleWorld("2023-02-01")
    little.state["fx_rates"]["rate"][:] = 10_000
    cents = np.array([49, 50, 149, 150])
    signed = np.concatenate([cents, -cents])
    converted = little.history().convert(signed, np.ones(8, np.int64), little.state.day)
    assert list(converted) == [0, 1, 1, 2, 0, -1, -1, -2]


def test_deals_are_credited_to_the_owner_at_close(world: World) -> None:
    history = History.of(world, **SETTINGS, as_of=None)
    deals = history.deals
    log = history.changes("opportunities", "owner_id")
    for deal in deals[deals["is_closed"]].head(200).itertuples():
        until = log[(log["id"] == deal.deal) & (log["at"] <= deal.closed_at)]
        assert deal.owner == (until["new"].iloc[-1] if len(until) else -1)


def test_pipeline_of_now_is_the_open_deals(world: World, table: pd.DataFrame) -> None:
    deals = world.table("opportunities").to_pandas()
    stages = world.table("pipeline_stages").to_pandas().set_index("stage")["status"]
    is_open = deals["stage"].map(stages).eq("open") & ~deals["is_deleted"]
    is_open &= deals["merged_into_id"].isna()
    now = cells(table, "pipeline_value").query("period_grain == 'all' and dimension == 'stage'")
    counted = now.set_index("dimension_key")[["n_included", "n_excluded"]].sum(axis=1)
    expected = deals[is_open].groupby("stage").size()
    pd.testing.assert_series_equal(counted.sort_index(), expected, check_names=False)


def test_stage_entries_agree_with_a_walk_through_each_deal(world: World) -> None:
    history = History.of(world, **SETTINGS, as_of=None)
    visits = stage_visits(history)
    expected = set()
    for deal, stays in visits.groupby("deal"):
        moves = list(zip(stays["stage"], stays["entered_at"], strict=True))
        for position, (stage, at) in enumerate(moves):
            previous = STAGES[moves[position - 1][0]] if position else None
            entered = [stage] if STAGES[stage].status == "open" else []
            forward = STAGES[stage].status in ("open", "won")
            if previous and previous.status == "open" and forward:
                entered += [
                    code for code, other in enumerate(STAGES)
                    if other.pipeline == previous.pipeline and other.status == "open"
                    and previous.order < other.order < STAGES[stage].order
                ]  # fmt: skip
            for code in entered:
                is_skip = code != stage
                later = moves[position:] if is_skip else moves[position + 1 :]
                passed = any(
                    STAGES[other].status in ("open", "won")
                    and STAGES[other].order > STAGES[code].order
                    for other, _ in later
                )
                won = any(STAGES[other].status == "won" for other, _ in later)
                expected.add((deal, code, at, not is_skip, passed, won))
    entries = stage_entries(visits)
    found = set(
        zip(
            entries["deal"], entries["stage"], entries["entered_at"], entries["is_real"],
            entries["reached"] > entries["order"], entries["won_later"], strict=True,
        )
    )  # fmt: skip
    assert len(entries) == len(expected)
    assert found == expected


def test_adherent_deals_walked_every_stage(world: World, table: pd.DataFrame) -> None:
    history = History.of(world, **SETTINGS, as_of=None)
    visits = stage_visits(history)
    before_handover = visits[~visits["stage"].isin(POST_SALE)]
    paths = before_handover.groupby("deal")["stage"].agg(tuple)
    closed = history.live_deals[history.live_deals["is_closed"]]
    walks = {(0, 1, 2, 3, 4, 5), (9, 10, 11)}
    expected = sum(paths.get(deal, ())[:-1] in walks for deal in closed["deal"])
    company = cells(table, "process_adherence").query("dimension == 'company'")
    assert company.query("period_grain == 'all'")["numerator"].item() == expected


def test_the_pipeline_of_a_past_month_is_what_it_then_was() -> None:
    """What a later world says of the end of April is what the world of that night said."""
    settings = {
        "timezone": "UTC", "fiscal_year_start_month": 1, "currency": "GBP", "has_finance": False,
    }  # fmt: skip
    then, later = (World.found(seed=8, scale=0.1, causes=TIMELY) for _ in range(2))
    then.advance(120)
    later.advance(200)
    last_moment = then.now - timedelta(microseconds=1)
    at_that_time = cells(truth(then, **settings, as_of=last_moment), "pipeline_value")
    in_hindsight = cells(truth(later, **settings), "pipeline_value")
    columns = ["dimension", "dimension_key", "value", "n_included", "n_excluded"]
    before = at_that_time[at_that_time["period_grain"] == "all"][columns]
    is_april = in_hindsight["period_start"] == date(2023, 4, 1)
    monthly = in_hindsight["period_grain"] == "month"
    after = in_hindsight[is_april & monthly][columns]
    pd.testing.assert_frame_equal(before.reset_index(drop=True), after.reset_index(drop=True))


def test_the_company_has_every_period_of_its_pipeline(table: pd.DataFrame) -> None:
    company = cells(table, "pipeline_value").query("dimension == 'company'")
    months = company[company["period_grain"] == "month"]["period_start"]
    assert len(months) == len(pd.period_range(months.min(), months.max(), freq="M"))


def test_a_company_without_a_deal_has_no_deal_metrics() -> None:
    metrics = set(truth(World.found(seed=5, scale=0.1), **SETTINGS)["metric"])
    assert "mrr" in metrics
    assert not metrics & {"win_rate", "pipeline_value", "stage_conversion_rate"}
