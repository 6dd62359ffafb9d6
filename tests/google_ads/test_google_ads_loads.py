"""Loads of a simulated company's accounts, as days pass and whatever goes wrong on the way."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from google_advertiser import SECRETS
from platforms import SECRET, Days, Platform

from ingestion.errors import SourceError
from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults, Mishaps
from ingestion.sandbox.systems.google_ads.api import GoogleAdsApi
from ingestion.sandbox.world import World
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.thorough import thorough

MAIN, WEST, CLOSED = "7301000001", "7301000002", "7301000003"
FAULTS = {
    "rate_limited": Faults(rate_limited=0.2, retry_after_seconds=0),
    "server_error": Faults(server_error=0.1, burst=3),
    "hang": Faults(hang=0.05, hang_seconds=3),
    "drop": Faults(drop=0.15),
    "cut": Faults(cut=0.15),
    "truncate": Faults(truncate=0.15),
    "duplicate": Faults(duplicate=0.3),
    "out_of_order": Faults(out_of_order=True),
    "token": Faults(token_requests=5),
    "down": Faults(server_error=1.0),
    "unreachable": Faults(drop=1.0),
}
EVERY_TIME = ("truncate", "duplicate", "out_of_order", "token", "down")
"""One of each kind; what they leave out, the test of all faults at once has."""
FATAL = {"down": "status 503: ", "unreachable": r"ConnectionError \(127\.0\.0\.1:"}
"""Faults that no load gets over, and what it says then."""


@pytest.fixture(scope="module")
def grown_world() -> World:
    """Some months of a small company, in which all that platforms do has happened."""
    world = World.found(seed=1, scale=0.06)
    world.advance(150)
    return world


@pytest.fixture
def platform(
    grown_world: World, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    """The world's accounts behind a server that behaves."""
    for name in SECRETS:
        monkeypatch.setenv(name, "sandbox" if name == "GOOGLE_ADS_CLIENT_ID" else SECRET)
    api = GoogleAdsApi(copy.deepcopy(grown_world), SECRET)
    with serving(api) as url:
        yield Platform(url, data_folder, api=api)


def test_a_first_load_has_every_campaign_and_every_figure(platform: Platform) -> None:
    [closed] = platform.sync().warnings
    assert "accounts that are CANCELED are not read" in closed
    days, ads = platform.told(), platform.told(by_ad=True)
    assert len(days) > 100
    assert len(ads) > len(days)
    assert platform.loaded("campaign_days") == days
    assert platform.loaded("ad_days") == ads
    accounts = platform.raw("accounts")
    assert {id: row["status"] for id, row in accounts.items()} == {
        MAIN: "ENABLED", WEST: "ENABLED", CLOSED: "CANCELED"
    }  # fmt: skip
    assert (accounts[WEST]["currency"], accounts[WEST]["timezone"]) == (
        "EUR", "America/Los_Angeles"
    )  # fmt: skip
    campaigns = platform.raw("campaigns")
    assert {id for id, _ in days} <= campaigns.keys()
    assert {row["kind"] for row in campaigns.values()} == {"SEARCH", "PERFORMANCE_MAX"}
    assert all(row["budget"] > 0 and row["daily_budget"] is None for row in campaigns.values())
    is_partial = {row["day"] for row in platform.raw("campaign_days").values() if row["is_partial"]}
    # At midnight of UTC it is the afternoon before in Los Angeles.
    assert is_partial == {platform.api.world.now.date() - dt.timedelta(days=1)}
    assert platform.sync().is_unchanged


def test_each_load_has_what_the_platform_tells_then_and_keeps_what_it_told_before(
    platform: Platform,
) -> None:
    platform.sync()
    told: list[Days] = [platform.told()]
    for _ in range(5):
        platform.pass_days()
        [closed] = platform.sync().warnings
        assert "accounts that are CANCELED are not read" in closed
        told.append(platform.told())
        assert platform.loaded("campaign_days") == told[-1]
        assert platform.loaded("ad_days") == platform.told(by_ad=True)
    assert len({len(days) for days in told}) > 1
    platform.assert_like_first_load()
    moments = platform.read(
        "select load_id from raw_google_ads._dlt_loads where status = 0 order by load_id"
    )
    assert len(moments) == len(told)
    for days, moment in zip(told, moments, strict=True):
        assert known_at(platform, moment["load_id"]) == {
            key: figures[0] for key, figures in days.items()
        }


def known_at(platform: Platform, load_id: str) -> dict[object, object]:
    """What campaigns had spent on each day, as it was known after a load."""
    rows = platform.read(
        "select campaign, day, spend from (select *, row_number() over (partition by source_id "
        "order by _dlt_load_id desc) as recency from raw_google_ads.campaign_days "
        f"where _dlt_load_id <= '{load_id}') where recency = 1 and not is_deleted"
    )
    return {(row["campaign"], row["day"]): row["spend"] for row in rows}


@pytest.mark.parametrize(
    "fault", [name if name in EVERY_TIME else pytest.param(name, marks=thorough) for name in FAULTS]
)
def test_after_a_fault_one_more_load_gives_exactly_what_is_there(
    platform: Platform, fault: str
) -> None:
    platform.api.faults = FAULTS[fault]
    load(platform, FATAL.get(fault))
    platform.pass_days()
    platform.api.faults = replace(FAULTS[fault], seed=1)
    load(platform, FATAL.get(fault))
    if fault in Mishaps.SHARES:
        assert [asked for asked in platform.api.requests if asked.fault == fault]
    if fault == "token":
        assert [asked for asked in platform.api.requests if asked.status == 401]
    platform.api.faults = Faults()
    platform.sync()
    platform.assert_like_first_load()


def test_after_all_faults_at_once_one_more_load_gives_exactly_what_is_there(
    platform: Platform,
) -> None:
    for seed in range(3):
        platform.api.faults = replace(
            ALL_AT_ONCE, seed=seed, retry_after_seconds=0, token_requests=8
        )
        platform.sync()
        platform.pass_days()
    platform.api.faults = Faults()
    platform.sync()
    platform.assert_like_first_load()
    assert platform.loaded("campaign_days") == platform.told()


def test_an_account_that_is_shown_no_more_keeps_its_days_and_it_is_told(
    platform: Platform,
) -> None:
    platform.sync()
    west = {id: row for id, row in platform.raw("campaign_days").items() if row["account"] == WEST}
    assert west
    platform.pass_days()
    platform.api.faults = Faults(forbidden=(WEST,))
    _, warning = platform.sync().warnings
    assert f"account {WEST} is not read any more, for the access does not show it" in warning
    assert west.items() <= platform.raw("campaign_days").items()
    with pytest.raises(SourceError, match=f"shows no account {WEST}; it shows {MAIN}"):
        platform.sync(f"{platform.keys}\n    accounts: [{MAIN}, {WEST}]")


def test_without_a_manager_only_what_the_user_was_added_to_is_read(platform: Platform) -> None:
    platform.keys = "accounts: [730-100-0001]"
    assert platform.sync().warnings == ()
    assert {row["account"] for row in platform.raw("campaign_days").values()} == {MAIN}
    with pytest.raises(SourceError, match=f"shows no account {WEST}.*id as `manager`"):
        platform.sync(f"accounts: [{WEST}]")
    [warning] = platform.sync("since: 2022-01-01").warnings
    assert "write `manager: 7300000000` under the source" in warning


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("manager: 7301000001\n    accounts: [7301000002]", "shows no account 7301000002"),
        ("manager: 9999999999", "see whether its id is right; add the user to it"),
        ("manager: 7300000000\n    version: v20", "v20, its fields are those of v26; write as"),
        ("manager: 7300000000\n    version: v99", "v99, its fields are those of v26; write as"),
    ],
)
def test_a_setting_that_the_platform_refuses_is_told_with_the_remedy(
    platform: Platform, keys: str, told: str
) -> None:
    with pytest.raises(SourceError) as error:
        platform.sync(keys)
    assert told in str(error.value)
    assert not platform.has_raw


@pytest.mark.parametrize("name", ["GOOGLE_ADS_CLIENT_SECRET", "GOOGLE_ADS_REFRESH_TOKEN"])
def test_a_wrong_secret_is_told_with_its_variable(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "of-another")
    with pytest.raises(SourceError, match=name):
        platform.sync()


def test_a_developer_token_is_one_too_many(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_ADS_DEVELOPER_TOKEN", "of-another")
    platform.sync()
    monkeypatch.delenv("GOOGLE_ADS_DEVELOPER_TOKEN")
    assert platform.sync().is_unchanged


def test_an_older_version_of_the_api_is_read_alike(platform: Platform) -> None:
    platform.sync()
    assert platform.sync(f"{platform.keys}\n    version: v25").is_unchanged
    assert platform.api.requests[-1].path.startswith("/v25/")


def load(platform: Platform, problem: str | None) -> None:
    """Load, which fails where there is a problem: it then says so and leaves raw as it was."""
    if problem is None:
        platform.sync()
        return
    before = platform.count()
    with pytest.raises(SourceError, match=f"{problem}.*Nothing of this source was loaded"):
        platform.sync()
    assert platform.count() == before
