"""Named traps of ad accounts at Meta, loaded as a run loads them from a Meta written by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from meta_accounts import PATIENCE, TOKEN, Script
from scripted_meta import EXPIRED, Refusal

from ingestion.errors import SourceError
from ingestion.sources.meta_ads import extraction
from ingestion.sources.meta_ads.extraction import check
from ingestion.warehouse.warehouse import Warehouse


def state(script: Script) -> dict[str, list[tuple[object, ...]]]:
    """What is known now of campaigns' and ads' days, without what is the load's."""
    return {
        table: [
            (id, row["spend"], row["clicks"], row["conversions"], row["is_partial"])
            for id, row in sorted(script.raw(table).items())
        ]
        for table in ("campaign_days", "ad_days")
    }


def test_a_first_load_has_accounts_campaigns_ads_and_their_days(script: Script) -> None:
    meta = script.meta
    meta.campaigns["21"] |= {"start_time": "2026-03-01T09:00:00+0000", "lifetime_budget": "99950"}
    meta.spent("31", "2026-03-30", spend="10.25", actions={"lead": (1, 2, 2, 1)})
    meta.spent("32", "2026-04-01", spend="0.10")
    meta.spent_beyond_ads("21", "2026-03-30", spend="-1.25", impressions=0, clicks=0)
    report = script.sync()
    assert report.warnings == ()
    [account] = script.raw("accounts").values()
    assert (account["source_id"], account["timezone"], account["status"]) == ("11", "UTC", "ACTIVE")
    [campaign] = script.raw("campaigns").values()
    assert (campaign["account"], campaign["kind"], campaign["channel"], campaign["currency"]) == (
        "11", "OUTCOME_LEADS", "Paid Social", "USD",
    )  # fmt: skip
    assert (f"{campaign['started_on']}", campaign["budget"]) == ("2026-03-01", Decimal("999.5"))
    assert script.spend() == {"11/21/2026-03-30": "9", "11/21/2026-04-01": "0.1"}
    days = script.raw("campaign_days")
    assert [it["is_partial"] for it in days.values()].count(True) == 1
    assert days["11/21/2026-04-01"]["is_partial"]
    ads = script.raw("ad_days")
    assert sorted(ads) == ["11/21/931/31/2026-03-30", "11/21/932/32/2026-04-01"]
    told = ads["11/21/931/31/2026-03-30"]
    assert (told["conversions"], told["conversions_28d_click"], told["attribution"]) == (
        3, 2, "7d_click,1d_view",
    )  # fmt: skip
    assert script.raw("ads")["11/21/931/31"]["name"] == "Ad 31"
    assert script.raw("ads")["11/21/931/31"]["ad_group_name"] == "Set 31"


def test_a_campaign_in_a_state_that_no_filter_names_is_told_by_what_the_account_spent(
    script: Script,
) -> None:
    meta = script.meta
    meta.spent("31", "2026-03-30", spend="1010.25")
    meta.spent("32", "2026-04-01")
    meta.campaign("11", "22", effective_status="DELETED")
    meta.ad("22", "33", effective_status="DELETED")
    meta.spent("33", "2026-03-29", spend="8")
    assert script.sync().warnings == ()
    meta.campaign("11", "23", effective_status="OF_NEXT_YEAR")
    meta.ad("23", "34", effective_status="OF_NEXT_YEAR")
    for day, spend in (("2026-03-29", "0.01"), ("2026-03-30", "7.5"), ("2026-04-01", "3")):
        meta.spent("34", day, spend=spend)
    assert script.sync().warnings == (
        "account 11: on 2 days, 2026-03-29 to 2026-03-30, it spent 1,025.76 USD as a whole, and "
        "its campaigns come to 1,018.25. The sum of campaigns is loaded. Where the next load says "
        "so again, compare campaigns with the platform's own page, and tell us of the one that is "
        "missing",
    )
    asked = [it for it in meta.asked("act_11/insights") if it["level"] == "account"]
    assert asked
    assert not any("filtering" in it for it in asked)


def test_the_kind_of_a_campaign_decides_its_channel(script: Script) -> None:
    script.meta.campaign("11", "22", objective="OUTCOME_AWARENESS")
    script.sync("channels: {OUTCOME_AWARENESS: Display}\n    channel: Social")
    assert {id: row["channel"] for id, row in script.raw("campaigns").items()} == {
        "21": "Social", "22": "Display",
    }  # fmt: skip


def test_an_ad_that_is_deleted_after_it_spent_keeps_its_days(script: Script) -> None:
    script.meta.spent("31", "2026-03-30", spend="7")
    script.meta.spent("32", "2026-03-30", spend="3")
    script.sync()
    script.meta.ads["31"]["effective_status"] = "DELETED"
    report = script.sync()
    assert report.is_unchanged
    assert script.spend("ad_days") == {
        "11/21/931/31/2026-03-30": "7", "11/21/932/32/2026-03-30": "3",
    }  # fmt: skip


def test_a_deleted_campaign_keeps_its_name_and_its_days(script: Script) -> None:
    script.meta.spent("31", "2026-03-30")
    script.sync()
    script.meta.campaigns["21"]["effective_status"] = "DELETED"
    script.meta.ads["31"]["effective_status"] = script.meta.ads["32"]["effective_status"] = (
        "DELETED"
    )
    script.sync()
    [campaign] = script.raw("campaigns").values()
    assert (campaign["name"], campaign["status"]) == ("Campaign 21", "DELETED")
    assert script.spend() == {"11/21/2026-03-30": "10"}


def test_a_conversion_that_comes_20_days_late_is_a_version_of_its_day(script: Script) -> None:
    day = script.meta.spent("31", "2026-03-30", actions={"lead": (0, 1, 1, 0)})
    script.sync()
    script.meta.now = script.meta.now.replace(day=19)
    day.actions = {"lead": (0, 2, 2, 0)}
    script.sync()
    versions = script.read(
        "select conversions from raw_meta_ads.ad_days order by _dlt_load_id"
    )  # fmt: skip
    assert [row["conversions"] for row in versions] == [1, 2]


def test_a_day_that_vanishes_within_the_window_is_deleted_and_one_outside_is_not(
    script: Script,
) -> None:
    for day in ("2026-01-15", *(f"2026-03-{n:02}" for n in range(20, 31))):
        script.meta.spent("31", day)
    script.sync()
    script.meta.days = script.meta.days[2:]
    script.sync()
    assert "11/21/2026-01-15" in script.spend()
    assert "11/21/2026-03-20" not in script.spend()
    assert len(script.spend()) == len(script.spend("ad_days")) == 11


def test_an_account_in_another_zone_has_its_own_today_when_the_clocks_change(
    script: Script,
) -> None:
    # On 8 March 2026 the clocks of Los Angeles change: midnight is 8:00 UTC, from then on 7:00.
    script.meta.account("12", "EUR", "America/Los_Angeles")
    script.meta.campaign("12", "22")
    script.meta.ad("22", "33")
    script.meta.spent("33", "2026-03-08", spend="5.55")
    script.meta.spent("31", "2026-03-08")
    partial = {}
    for now in ("2026-03-08T07:59:00", "2026-03-09T06:59:00", "2026-03-09T07:00:00"):
        script.meta.now = script.meta.now.fromisoformat(now)
        script.sync()
        days = script.raw("campaign_days")
        partial[now] = [
            (id, row["currency"], row["is_partial"]) for id, row in sorted(days.items())
        ]
    assert partial == {
        # It is still the 7th there, so the report does not ask for the 8th.
        "2026-03-08T07:59:00": [("11/21/2026-03-08", "USD", True)],
        "2026-03-09T06:59:00": [
            ("11/21/2026-03-08", "USD", False), ("12/22/2026-03-08", "EUR", True),
        ],
        "2026-03-09T07:00:00": [
            ("11/21/2026-03-08", "USD", False), ("12/22/2026-03-08", "EUR", False),
        ],
    }  # fmt: skip


@pytest.mark.parametrize("refuses_at", ["begin", "run", "rows"])
def test_what_is_read_in_smaller_parts_is_the_same(script: Script, refuses_at: str) -> None:
    since = "since: 2026-01-01"
    for n in range(20, 31):
        script.meta.spent("31", f"2026-03-{n}", actions={"lead": (0, n, n, 0)})
        script.meta.spent("32", f"2026-03-{n}", spend="1.5")
    script.sync(since)
    whole = state(script)
    script.meta.refuses_at, script.meta.most_rows, script.meta.failing = refuses_at, 3, 2
    # Another attribution is read anew, and so is the one that was.
    script.sync(f"{since}\n    attribution: [1d_click]")
    assert state(script) != whole
    script.sync(since)
    assert state(script) == whole
    assert len(whole["ad_days"]) == 22


def test_a_token_that_expires_amid_a_load_loads_nothing_and_the_next_one_all(
    script: Script,
) -> None:
    for n in range(1, 31):
        script.meta.spent("31", f"2026-03-{n:02}")
    script.sync()
    before = state(script)
    script.meta.spent("32", "2026-03-30")
    begun = len(script.meta.requests)
    script.meta.expires_after = begun + 4
    with pytest.raises(SourceError) as error:
        script.sync()
    [problem] = error.value.problems
    assert "Session has expired" in problem
    assert "put a new one into the environment variable META_ADS_ACCESS_TOKEN" in problem
    assert state(script) == before
    assert len(script.meta.requests) < begun + 12
    script.meta.expires_after = None
    script.sync()
    assert script.spend()["11/21/2026-03-30"] == "20"


def test_an_account_without_access_is_named_with_the_way_to_give_it(script: Script) -> None:
    with pytest.raises(SourceError) as error:
        script.sync("accounts: ['11', '99']")
    assert "the access shows no account 99; it shows 11" in str(error.value)
    assert "assign the ad account to the token's user in Meta's Business settings" in str(
        error.value
    )
    script.meta.accounts.clear()
    with pytest.raises(SourceError, match="the access shows no account: assign the ad account"):
        script.sync()


def test_conversions_of_no_report_are_warned_of_by_the_load(script: Script) -> None:
    script.meta.spent("31", "2026-03-30", actions={"lead": (0, 1, 1, 0)})
    assert "did you mean 'lead'" in script.sync("conversions: [leed]").warnings[0]


def test_days_before_those_that_meta_keeps_stay_when_all_is_read_anew(script: Script) -> None:
    script.meta.now = script.meta.now.fromisoformat("2023-05-01T12:00:00")
    script.meta.spent("31", "2023-01-15")
    script.meta.spent("31", "2023-04-30")
    script.sync()
    script.meta.now = script.meta.now.fromisoformat("2026-05-01T12:00:00")
    script.meta.days = script.meta.days[1:]
    report = script.sync("since: 2023-01-01\n    attribution: [1d_click]")
    assert script.spend() == {"11/21/2023-01-15": "10", "11/21/2023-04-30": "10"}
    assert "is read from 2023-04-02 on, not from 2023-01-01" in report.warnings[0]


def test_a_check_asks_for_accounts_and_a_day(script: Script) -> None:
    company = script.company()
    context = script.context(company, Warehouse.of(company))
    found = check(context, script.source(), PATIENCE)
    assert (found.problems, found.remarks, found.is_reached) == ((), (), True)
    assert script.asked_days("campaign") == [("2026-03-31", "2026-03-31")]
    script.meta.refusals.append(Refusal(400, EXPIRED))
    [problem] = check(context, script.source(), PATIENCE).problems
    assert "META_ADS_ACCESS_TOKEN" in problem


def test_a_check_does_not_wait_long_for_a_report(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "MOST_SECONDS", 0.05)
    script.meta.polls = 1_000
    company = script.company()
    found = check(script.context(company, Warehouse.of(company)), script.source(), PATIENCE)
    assert (found.problems, found.is_reached) == ((), False)
    assert "the report was not there after 0 seconds" in found.remarks[0]


@pytest.mark.usefixtures("through_dlt")
def test_the_token_is_in_no_message_log_or_file(
    script: Script, logs: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    script.meta.page = 2
    for n in range(1, 31):
        script.meta.spent("31", f"2026-03-{n:02}")
    script.sync()
    script.meta.spent("32", "2026-03-30")
    script.meta.refusals.append(Refusal(500, {"message": f"Oops {TOKEN}", "code": 2}))
    script.sync()
    told = [logs.text, *capfd.readouterr(), *script.messages]
    assert "after=" in logs.text
    assert not [text for text in told if TOKEN in text]
    files = [path for path in script.folder.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
