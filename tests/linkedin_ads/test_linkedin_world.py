"""What the connector reads of the sandbox's LinkedIn over HTTP is what is in the world."""

from __future__ import annotations

from dataclasses import replace

import pytest
from linkedin_accounts import LinkedIn

from ingestion.errors import SourceError
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.world.calendar import START
from ingestion.sources.linkedin_ads import reader
from tests.thorough import IS_THOROUGH

SINCE = f"since: {START:%Y-%m-%d}"
FAULTS = Faults(
    rate_limited=0.03, server_error=0.03, burst=2, hang=0.005, hang_seconds=1, drop=0.05, cut=0.05,
    truncate=0.05, duplicate=0.2, out_of_order=True,
)  # fmt: skip


def test_a_first_load_is_what_the_world_says(ads: LinkedIn) -> None:
    report = ads.sync()
    ads.assert_like_world()
    assert report.warnings == ()
    assert not any(table.rows_rejected for table in report.tables)
    assert {id: (it["currency"], it["timezone"]) for id, it in ads.raw("accounts").items()} == {
        "508000001": ("USD", "UTC")
    }
    told = {row["source_id"]: row for row in ads.world.table("campaigns").to_pylist()}
    campaigns = ads.raw("campaigns")
    assert campaigns
    for id, campaign in campaigns.items():
        for name in ("name", "started_on", "ended_on", "budget", "currency"):
            assert campaign[name] == told[id][name], (id, name)
        assert campaign["channel"] == "Paid Social"
    assert all(ad["name"] for ad in ads.raw("ads").values())


@pytest.mark.parametrize("seed", [1, 2, 3] if IS_THOROUGH else [1])
def test_after_each_of_five_days_with_all_faults_all_is_as_the_world_says(
    ads: LinkedIn, seed: int
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
        "count(*) as versions from raw_linkedin_ads.campaign_days"
    )
    assert row["deleted"] > 0
    assert row["versions"] > row["ids"] + row["deleted"]
    assert ads.sync(SINCE).is_unchanged


def test_a_gap_of_two_months_loses_nothing(ads: LinkedIn) -> None:
    ads.sync(SINCE)
    ads.pass_days(60)
    ads.sync(SINCE)
    ads.assert_like_world()


def test_reports_that_are_cut_early_are_read_in_halves(
    ads: LinkedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server cuts at 20 elements; lists would say that more days have fewer."""
    monkeypatch.setattr(reader, "MOST", 20)
    monkeypatch.setattr(reader, "_longest", lambda names: 92)
    ads.api.faults = Faults(elements=20)
    ads.sync(SINCE)
    ads.assert_like_world()


def test_a_token_that_expires_amid_a_load_changes_nothing(ads: LinkedIn) -> None:
    ads.sync(SINCE)
    before = ads.known("ad_days")
    ads.pass_days()
    ads.api.faults = Faults(token_requests=4)
    with pytest.raises(SourceError, match="put a new access token into the environment variable"):
        ads.sync(SINCE)
    assert ads.known("ad_days") == before
    ads.api.faults = Faults()
    ads.sync(SINCE)
    ads.assert_like_world()


def test_without_access_nothing_is_read_as_nothing(ads: LinkedIn) -> None:
    """LinkedIn answers a report of an account without access empty: it is not asked for one."""
    ads.sync(SINCE)
    before = ads.known("campaign_days")
    ads.api.faults = Faults(forbidden=("508000001",))
    with pytest.raises(SourceError, match="the access shows no account 508000001; it shows none"):
        ads.sync(f"{SINCE}\n    accounts: [508000001]")
    with pytest.raises(SourceError, match="the access shows no account: give the member whose"):
        ads.sync(SINCE)
    assert ads.known("campaign_days") == before
