"""What the connector reads of the sandbox's Meta over HTTP is what is in the world."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from meta_accounts import TOKEN
from meta_advertiser import Advertiser

from ingestion.errors import SourceError
from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.meta_ads.api import MetaAdsApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import START
from tests.sandbox.ads_traps import ads_traps
from tests.thorough import IS_THOROUGH

SINCE = f"since: {START:%Y-%m-%d}"
"""The world's first day: three years before it are read in many a report that has nothing."""
FAULTS = Faults(
    rate_limited=0.03, server_error=0.03, burst=2, hang=0.005, hang_seconds=1, drop=0.05, cut=0.05,
    truncate=0.05, duplicate=0.2, out_of_order=True, failed_reports=2, report_rows=150,
)  # fmt: skip


@pytest.fixture(scope="session")
def advertising_world() -> World:
    """Four months of a small company; tests take copies of it."""
    world = World.found(seed=1, scale=0.06)
    world.advance(125)
    return world


@pytest.fixture
def ads(advertising_world: World, data_folder: Path) -> Iterator[Advertiser]:
    """The world's ad accounts behind a server that behaves."""
    world = copy.deepcopy(advertising_world)
    api = MetaAdsApi(world, TOKEN)
    with serving(api) as url:
        yield Advertiser(url, data_folder, api=api, world=world)


def test_a_first_load_is_what_the_world_says_traps_and_all(ads: Advertiser) -> None:
    report = ads.sync()
    ads.assert_like_world()
    assert report.warnings == ()
    assert not any(table.rows_rejected for table in report.tables)
    found = ads_traps(ads.world.state)
    assert not [name for name, times in found.items() if not times]
    accounts = ads.raw("accounts")
    assert {id: (row["currency"], row["timezone"]) for id, row in accounts.items()} == {
        "2301000001": ("USD", "UTC"), "2301000002": ("EUR", "Europe/Berlin"),
    }  # fmt: skip
    for id, campaign in ads.raw("campaigns").items():
        [told] = [
            row
            for row in ads.world.table("campaigns").to_pylist()
            if row["source_id"] == id
        ]  # fmt: skip
        for name in ("name", "started_on", "ended_on", "budget", "currency"):
            assert campaign[name] == told[name], (id, name)
    # Some campaigns lack conversions that their ads have.
    lacking = [it for it in ads.raw("campaign_days").values() if it["conversions"] is None]
    ads_have = sum((it["conversions"] for it in ads.raw("ad_days").values()), Decimal(0))
    assert lacking
    assert ads_have > 0


def test_windows_of_attribution_add_up_to_what_counts(ads: Advertiser) -> None:
    ads.sync(SINCE)
    rows = ads.raw("ad_days").values()
    for row in rows:
        day, week, month = (row[f"conversions_{n}d_click"] for n in (1, 7, 28))
        assert day <= week <= month
        assert row["conversions"] == week + row["conversions_1d_view"]
    assert any(row["conversions_1d_view"] for row in rows)
    before = {id: row["conversions_28d_click"] for id, row in ads.raw("ad_days").items()}
    ads.sync(f"{SINCE}\n    attribution: [28d_click]")
    after = {id: row["conversions"] for id, row in ads.raw("ad_days").items()}
    assert after == before


@pytest.mark.parametrize("seed", [1, 2, 3] if IS_THOROUGH else [1])
def test_after_each_of_five_days_with_all_faults_all_is_as_the_world_says(
    ads: Advertiser, seed: int
) -> None:
    ads.api.faults = replace(FAULTS, seed=seed)
    ads.sync(SINCE)
    ads.assert_like_world()
    for _ in range(5):
        ads.pass_days()
        report = ads.sync(SINCE)
        assert not [told for told in report.warnings if "as a whole" in told]
        ads.assert_like_world()
    [row] = ads.read(
        "select count(*) filter (is_deleted) as deleted, count(distinct source_id) as ids, "
        "count(*) as versions from raw_meta_ads.ad_days"
    )
    assert row["deleted"] > 0
    assert row["versions"] > row["ids"]
    assert ads.sync(SINCE).is_unchanged


def test_a_gap_of_two_months_loses_nothing(ads: Advertiser) -> None:
    ads.sync(SINCE)
    ads.pass_days(60)
    ads.sync(SINCE)
    ads.assert_like_world()


def test_a_token_that_expires_amid_a_load_changes_nothing(ads: Advertiser) -> None:
    ads.sync(SINCE)
    before = ads.known("ad_days")
    ads.pass_days()
    ads.api.faults = Faults(token_requests=9)
    with pytest.raises(SourceError, match="put a new one into the environment variable META_ADS"):
        ads.sync(SINCE)
    assert ads.known("ad_days") == before
    ads.api.faults = Faults()
    ads.sync(SINCE)
    ads.assert_like_world()


def test_an_account_without_access_is_named_or_its_days_stay(ads: Advertiser) -> None:
    ads.sync(SINCE)
    before = ads.known("campaign_days")
    ads.api.faults = Faults(forbidden=("2301000002",))
    with pytest.raises(SourceError, match="the access shows no account 2301000002; it shows 23010"):
        ads.sync(f"{SINCE}\n    accounts: [act_2301000001, act_2301000002]")
    report = ads.sync(SINCE)
    assert "account 2301000002 is not read any more" in report.warnings[0]
    assert ads.known("campaign_days") == before
