"""What the simulated platforms tell: whose days, in what parts, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow.csv
import pyarrow.parquet
import pytest

from ingestion.sandbox.exports import write_exports
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from ingestion.sandbox.world.advertising import (
    FIGURES,
    GOOGLE,
    OTHER,
    Figures,
    day_figures,
    last_days,
    today_of,
)
from ingestion.sandbox.world.calendar import DAY, HOUR, START, day_number, day_of, to_moment
from ingestion.sandbox.world.render import ad_names
from ingestion.sandbox.world.schema import (
    CURRENCIES,
    ENTITIES,
    NONE,
    PLATFORMS,
)
from tests.sandbox.ads_traps import ads_traps
from tests.sandbox.traps import upset
from tests.thorough import IS_THOROUGH
from tests.truth.history import History
from tests.truth.marketing import ad_spend

SCALE, DAYS = 0.02, 400
"""More than a year: clocks change twice."""
ANGELES = next(nth for nth, known in enumerate(AD_ACCOUNTS) if "Los_Angeles" in known.timezone)


@pytest.fixture(scope="module")
def world() -> World:
    world = World.found(seed=5, scale=SCALE)
    world.advance(DAYS)
    return world


@pytest.fixture(scope="module")
def told(world: World) -> pd.DataFrame:
    """Every value that figures ever had, in order: `at, row, name, old, new, day, account`."""
    log, spend = world.state.logs["spend_daily"], world.state["spend_daily"]
    frame = pd.DataFrame({name: log[name] for name in ("at", "id", "field", "old", "new")})
    names = [column.name for column in ENTITIES["spend_daily"]]
    account = world.state["campaigns"]["ad_account"][spend["campaign_id"]]
    return frame.assign(
        name=[names[field] for field in frame["field"]],
        day=spend["day"][frame["id"]].astype(np.int64),
        account=account[frame["id"]],
    ).sort_values("at", kind="stable")


@pytest.mark.parametrize("seed", range(1, 20) if IS_THOROUGH else (1, 2))
def test_all_that_platforms_do_has_been_done_in_four_months(seed: int) -> None:
    for scale in (0.01, SCALE, 0.5):
        world = World.found(seed, scale)
        world.advance(120)
        times = ads_traps(world.state)
        assert all(times.values()), (scale, times)


def test_each_evening_that_upsets_has_it_all(world: World, tmp_path: Path) -> None:
    world.save(tmp_path / "world")
    world = World.load(tmp_path / "world")
    world.advance(1)
    before = ads_traps(world.state)
    upset(world)
    after = ads_traps(world.state)
    grown = {name for name in after if after[name] > before[name]}
    assert {"credits", "spend_of_deleted_ads", "vanished_days", "corrected_spend",
            "conversions_after_20_days"} <= grown  # fmt: skip
    assert world.count("spend_daily") == len(day_rows(world)) + vanished(world)


def day_rows(world: World) -> pd.DataFrame:
    table = world.table("spend_daily").to_pandas()
    return table[~table["is_deleted"]]


def vanished(world: World) -> int:
    return int(world.state["spend_daily"]["is_deleted"].sum())


def frame_of(figures: Figures) -> pd.DataFrame:
    return pd.DataFrame(
        {name: getattr(figures, name) for name in ("campaign", "ad", "day", *FIGURES)}
    )


def test_ads_deleted_ads_and_what_is_beyond_them_are_the_campaign(world: World) -> None:
    """Held against the exported table, whose rows are all parts."""
    figures = day_figures(world.state)
    rows = day_rows(world)
    parts = rows.groupby(["campaign_id", "day"])[["spend", "clicks", "impressions", "conversions"]]
    campaigns = frame_of(figures.campaigns)
    assert len(parts) == len(campaigns)
    wanted = parts.sum().reset_index()
    first = int(world.table("campaigns")["source_id"][0].as_py())
    assert (wanted["campaign_id"].astype(int) - first).tolist() == campaigns["campaign"].tolist()
    for name in ("clicks", "impressions", "conversions"):
        assert wanted[name].tolist() == campaigns[name].tolist()
    assert [int(amount * 100) for amount in wanted["spend"]] == campaigns["spend"].tolist()
    ads, deleted = frame_of(figures.ads), frame_of(figures.deleted_ads)
    beyond = rows["ad"].isna().sum()
    assert len(ads) + len(deleted) + beyond == len(rows)
    assert len(deleted) > 0 < beyond


def test_a_campaign_day_has_one_part_beyond_its_ads_at_most(world: World) -> None:
    """Platforms tell no more than a remainder: so credits, deleted ads and PMax do not meet."""
    state = world.state
    spend, campaigns, ads = (state[name] for name in ("spend_daily", "campaigns", "ads"))
    live = spend["is_deleted"] == 0
    beyond = (spend["ad"] == NONE) | (np.append(ads["is_deleted"], 0)[spend["ad"]] == 1)
    parts = pd.DataFrame({name: spend[name][live & beyond] for name in ("campaign_id", "day")})
    assert not parts.duplicated().any()
    every = pd.DataFrame({name: spend[name][live] for name in ("campaign_id", "day", "ad")})
    assert not every.duplicated().any()
    has_ads = np.isin(np.arange(len(campaigns)), ads["campaign_id"])
    is_told = campaigns["platform"] != OTHER
    np.testing.assert_array_equal(has_ads, is_told & (campaigns["is_pmax"] == 0))


def test_figures_are_such_as_platforms_tell(world: World) -> None:
    campaigns = day_figures(world.state).campaigns
    spend = world.state["spend_daily"]
    assert (campaigns.spend > 0).all()
    assert (spend["clicks"] <= spend["impressions"]).all()
    is_credit = spend["spend"] < 0
    assert is_credit.any()
    assert (spend["ad"][is_credit] == NONE).all()
    for name in ("clicks", "impressions", "conversions", "conversion_value"):
        assert (spend[name] >= 0).all()
        assert (spend[name][is_credit] == 0).all()


def test_figures_are_in_the_money_of_their_account(world: World) -> None:
    campaigns, spend = world.state["campaigns"], world.state["spend_daily"]
    account = campaigns["ad_account"][spend["campaign_id"]]
    assert set(account) == set(range(len(AD_ACCOUNTS)))
    for nth, known in enumerate(AD_ACCOUNTS):
        rows = account == nth
        assert {CURRENCIES[code] for code in spend["currency"][rows]} == {known.currency}
        assert {PLATFORMS[code] for code in spend["platform"][rows]} == {known.platform}
    own = campaigns["ad_account"] != NONE
    currency = campaigns["currency"][spend["campaign_id"]]
    np.testing.assert_array_equal(currency, spend["currency"])
    np.testing.assert_array_equal(own, campaigns["platform"] != OTHER)


def test_performance_max_always_runs(world: World) -> None:
    campaigns = world.state["campaigns"]
    is_pmax = campaigns["is_pmax"] == 1
    assert (campaigns["platform"][is_pmax] == GOOGLE).all()
    first = campaigns["started_on"][is_pmax]
    last = last_days(first, campaigns["ended_on"][is_pmax])
    days = np.arange(day_number(START) + 31, world.state.day)
    runs = (first[:, None] <= days) & (last[:, None] >= days)
    assert runs.any(axis=0).all()
    assert (~is_pmax & (campaigns["platform"] == GOOGLE)).sum() > 3


def test_days_are_told_when_they_are_over_in_their_zone(told: pd.DataFrame) -> None:
    """Only the evening of the account in Los Angeles is told while it lasts, all year."""
    spent = told[told["name"] == "spend"]
    firsts = spent.groupby("id").first()
    is_credit = firsts["new"] < 0
    clocks: set[timedelta | None] = set()
    for nth, known in enumerate(AD_ACCOUNTS):
        zone = ZoneInfo(known.timezone)
        for at, day in firsts[~is_credit & (firsts["account"] == nth)][["at", "day"]].to_numpy():
            local = datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone)
            if nth == ANGELES:
                assert local.date() == day_of(int(day))
                clocks.add(local.utcoffset())
            else:
                assert local.date() > day_of(int(day))
                assert at < (day + 2) * DAY
    assert clocks == {timedelta(hours=-8), timedelta(hours=-7)}


def test_a_day_that_was_not_over_is_told_whole_the_next_morning(
    world: World, told: pd.DataFrame
) -> None:
    partial = told[told["name"] == "is_partial"]
    begun, ended = partial[partial["new"] == 1], partial[partial["new"] == 0]
    assert set(begun["account"]) == {ANGELES}
    spend = world.state["spend_daily"]
    open_still = np.flatnonzero(spend["is_partial"] == 1)
    assert set(spend["day"][open_still]) == {world.state.day - 1}
    assert set(begun["id"]) == set(ended["id"]) | set(open_still)
    assert (ended["at"] == (ended["day"] + 1) * DAY + 10 * HOUR).all()
    zone = ZoneInfo(AD_ACCOUNTS[ANGELES].timezone)
    for at, day in ended[["at", "day"]].to_numpy():
        assert datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).date() > day_of(int(day))
    spent = told[(told["name"] == "spend") & told["id"].isin(ended["id"])]
    first, then = (spent.groupby("id")["new"].nth(nth).to_numpy() for nth in (0, 1))
    share = first.sum() / then.sum()
    assert 0.5 < share < 0.7
    assert (first < then).all()


def test_today_is_the_accounts(world: World) -> None:
    now = world.state.now
    days = {known.timezone: today_of(known, now) for known in AD_ACCOUNTS}
    assert days == {
        "UTC": world.state.day,
        "America/Los_Angeles": world.state.day - 1,
        "Europe/Berlin": world.state.day,
    }
    before = to_moment(datetime(2024, 3, 10, 7, 59, tzinfo=UTC))
    angeles = AD_ACCOUNTS[ANGELES]
    assert day_of(today_of(angeles, before)).isoformat() == "2024-03-09"
    assert day_of(today_of(angeles, before + HOUR)).isoformat() == "2024-03-10"
    assert day_of(today_of(angeles, before + 23 * HOUR)).isoformat() == "2024-03-10"
    assert day_of(today_of(angeles, before + 24 * HOUR)).isoformat() == "2024-03-11"


def test_conversions_arrive_within_28_days_and_corrections_within_25(told: pd.DataFrame) -> None:
    late = told.assign(days=told["at"] // DAY - told["day"])
    late = late[late["days"] > 1]
    conversions = late[(late["name"] == "conversions") & (late["old"] >= 0)]
    assert (conversions["new"] > conversions["old"]).all()
    assert set(conversions["days"]) <= set(range(2, 29))
    assert {20, 28} <= set(conversions["days"])
    spent = late[(late["name"] == "spend") & (late["old"] >= 0)]
    assert (spent["new"] < spent["old"]).all()
    assert (spent["new"] * 100 >= spent["old"] * 70 - 100).all()
    assert set(spent["days"]) <= set(range(5, 26))
    corrected = spent["id"].nunique() / told["id"].nunique()
    assert 0.015 < corrected < 0.05
    gone = late[late["name"] == "is_deleted"]
    assert set(gone["days"]) == {10}


def test_a_deleted_ad_has_spent_and_spends_no_more(world: World) -> None:
    spend, ads, log = world.state["spend_daily"], world.state["ads"], world.state.logs["ads"]
    deleted = np.flatnonzero(ads["is_deleted"] == 1)
    assert len(deleted) > 1
    at = dict(zip(log["id"].tolist(), log["at"].tolist(), strict=True))
    for ad in deleted.tolist():
        days = spend["day"][spend["ad"] == ad]
        assert len(days)
        assert days.max() <= at[ad] // DAY
    every = frame_of(day_figures(world.state).ads)["ad"]
    assert not set(deleted) & set(every)


def test_campaigns_that_are_renamed_are_the_same_campaigns(world: World) -> None:
    table = world.table("campaigns").to_pandas()
    renamed = world.state["campaigns"]["renamings"] > 0
    assert table["name"].is_unique
    assert table["name"][renamed].str.contains(r" v\d+$").all()
    assert not table["name"][~renamed].str.contains(r" v\d+$").any()
    assert renamed.any()


def test_ads_have_ids_and_names_of_their_own_two_to_a_group(world: World) -> None:
    rows = np.arange(world.count("ads"))
    names = pd.DataFrame(
        {name: list(v.to_pylist()) for name, v in ad_names(world.state, rows).items()}
    )
    assert names["id"].is_unique
    assert names["name"].is_unique
    assert (names.groupby("ad_group")["id"].count() == 2).all()
    assert (names.groupby("ad_group")["ad_group_name"].nunique() == 1).all()
    assert names["ad_group"].str.fullmatch(r"\d+").all()
    assert names["ad_group"].map(int).max() < 2**63
    nothing = ad_names(world.state, np.array([NONE]))
    assert all(values.to_pylist() == [None] for values in nothing.values())


def test_exports_lack_what_platforms_tell(world: World, tmp_path: Path) -> None:
    entities = ("campaigns", "spend_daily", "touches")
    write_exports(world, tmp_path, entities, systems=("google_ads", "meta_ads", "hubspot"))
    campaigns = pyarrow.csv.read_csv(tmp_path / "campaigns.csv").to_pandas()
    spend = pyarrow.parquet.read_table(tmp_path / "spend_daily.parquet").to_pandas()
    assert set(campaigns["platform"]) == {"linkedin_ads", "other"}
    assert set(spend["platform"]) == {"linkedin_ads"}
    for name, left in (("campaigns", campaigns), ("spend_daily", spend)):
        whole = world.table(name).to_pandas()
        kept = whole[whole["platform"].isin(("linkedin_ads", "other"))]
        assert left["source_id"].astype(str).tolist() == kept["source_id"].tolist()
    touches = pyarrow.parquet.read_table(tmp_path / "touches.parquet")
    assert touches.equals(world.table("touches"))


def test_spend_of_a_moment_is_what_platforms_had_told_by_then(world: World) -> None:
    """The truth looks back as well as a world that had gone no further."""
    earlier = World.found(seed=5, scale=SCALE)
    earlier.advance(157)  # Some days into a month: the one before is told whole, and not for good.
    then = ad_spend(History.of(earlier, "UTC", 1, "USD", None))
    again = ad_spend(History.of(world, "UTC", 1, "USD", earlier.now))
    pd.testing.assert_frame_equal(then, again)
    now = ad_spend(History.of(world, "UTC", 1, "USD", None))
    months = then["month"].unique()[:-1]
    by_month = [frame.groupby("month")["amount"].sum()[months] for frame in (then, now)]
    assert (by_month[0] - by_month[1]).abs().max() > 1
