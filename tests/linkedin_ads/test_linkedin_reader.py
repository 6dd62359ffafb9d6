"""What is asked of LinkedIn, and how its answers are read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from linkedin_accounts import PATIENCE, TOKEN, Written
from restli_reader import RECORDED, RECORDED_HEADERS, refusals
from starlette.responses import Response
from written_linkedin import ACCOUNT, Question, answer, problem

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account, Row
from ingestion.sources.linkedin_ads import reader as module
from ingestion.sources.linkedin_ads.client import LONGEST_QUERY
from ingestion.sources.linkedin_ads.reader import LinkedInAdsReader
from ingestion.sources.linkedin_ads.restli import query_of

DAY = dt.date(2026, 3, 1)
MARCH = Window(DAY, dt.date(2026, 3, 19))
MAIN = Account(ACCOUNT, "Main", "EUR", "UTC")
IN_TIME = replace(PATIENCE, timeout=(30.0, 30.0))
"""Of a machine that is busy: no answer is asked for twice."""


@pytest.fixture(autouse=True)
def _nothing_is_refused(written: Written) -> Iterator[None]:
    """All that was asked is what LinkedIn takes, by an independent reader."""
    yield
    for it in written.linkedin.questions:
        headers = {name.lower(): value for name, value in it.headers.items()}
        assert refusals(it.method, it.url, headers, it.body) == []


def reader(written: Written, patience: Patience = PATIENCE) -> LinkedInAdsReader:
    return LinkedInAdsReader(written.source(), patience)


def rows(pages: Iterator[Sequence[Row]]) -> list[Row]:
    return [row for page in pages for row in page]


def test_a_campaign_that_no_report_has_is_told_by_what_the_account_spent(
    written: Written,
) -> None:
    linkedin = written.linkedin
    linkedin.campaign("7")
    linkedin.spent("7", "2026-03-02", costInLocalCurrency="0.30000000000000004")
    linkedin.spent("7", "2026-03-20")
    assert written.sync().warnings == ()
    linkedin.unlisted |= {"2026-03-02": "0.009", "2026-03-04": "12.34", "2026-03-20": "5"}
    assert written.sync().warnings == (
        f"account {ACCOUNT}: on 2026-03-04 it spent 12.34 EUR as a whole, and its campaigns come "
        "to 0.00. The sum of campaigns is loaded. Where the next load says so again, compare "
        "campaigns with the platform's own page, and tell us of the one that is missing",
    )


def test_a_report_is_asked_for_as_the_sdk_asks() -> None:
    days = {
        "start": {"day": 1, "month": 3, "year": 2026},
        "end": {"day": 2, "month": 3, "year": 2026},
    }
    asked = query_of(
        {
            "q": "analytics",
            "pivot": "CAMPAIGN",
            "timeGranularity": "DAILY",
            "dateRange": days,
            "accounts": ["urn:li:sponsoredAccount:1"],
            "fields": "dateRange,pivotValues,costInLocalCurrency,impressions,clicks,"
            "externalWebsiteConversions",
        }
    )
    assert f"/rest/adAnalytics?{asked}" == RECORDED


def test_requests_bear_the_version_and_the_protocol(written: Written) -> None:
    reader(written).listing()
    [asked] = written.linkedin.questions
    assert {name: asked.headers[name.lower()] for name in RECORDED_HEADERS} == RECORDED_HEADERS
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


def test_an_account_has_days_of_utc(written: Written) -> None:
    listing = reader(written).listing()
    assert listing.at == dt.datetime(2026, 3, 20, 12)
    assert listing.accounts == [Account(ACCOUNT, "Main", "EUR", "UTC", "ACTIVE")]


def test_a_campaign_ends_on_the_day_before_its_end(written: Written) -> None:
    noon, midnight = 1_772_366_400_000, 1_772_409_600_000
    written.linkedin.campaign(
        "7", runSchedule={"start": noon, "end": midnight},
        totalBudget={"amount": "1000.5", "currencyCode": "EUR"}, status="ARCHIVED",
    )  # fmt: skip
    written.linkedin.campaign(
        "8", runSchedule={"start": noon, "end": noon}, dailyBudget={"amount": "20"}
    )
    seven, eight = rows(reader(written).campaigns(MAIN))
    assert seven == {
        "source_id": "7", "name": "Campaign 7", "status": "ARCHIVED", "kind": "SPONSORED_UPDATES",
        "started_on": "2026-03-01", "ended_on": "2026-03-01", "budget": "1000.5",
        "daily_budget": None,
    }  # fmt: skip
    assert (eight["budget"], eight["daily_budget"], eight["ended_on"]) == (None, "20", "2026-03-01")


@pytest.mark.parametrize(
    ("told", "spend"),
    [
        ("4.5", "4.500000"),
        ("-2E-18", "-0.000000"),
        ("19.04999999999996", "19.050000"),
        ("-12.3", "-12.300000"),
        ("many", "many"),
    ],
)
def test_amounts_have_no_noise(written: Written, told: str, spend: str) -> None:
    written.linkedin.campaign("7")
    written.linkedin.spent("7", "2026-03-01", costInLocalCurrency=told, clicks=3)
    [row] = rows(reader(written).campaign_days(MAIN, MARCH))
    assert row == {
        "campaign": "7", "day": "2026-03-01", "spend": spend, "impressions": 0, "clicks": 3,
        "conversions": 0, "conversion_value": "0.000000",
    }  # fmt: skip


def test_an_ad_is_in_its_campaign_and_in_no_group(written: Written) -> None:
    written.linkedin.campaign("7")
    written.linkedin.creatives["70"] = "7"
    written.linkedin.spent("7", "2026-03-01", "70")
    [row] = rows(reader(written).ad_days(MAIN, MARCH))
    assert (row["campaign"], row["ad_group"], row["ad"], row["name"]) == ("7", None, "70", "Ad 70")


def test_the_campaign_of_an_ad_that_is_in_no_list_is_asked_for(written: Written) -> None:
    written.linkedin.spent("7", "2026-03-01", "70")
    written.linkedin.spent("7", "2026-03-02", "70")
    found = rows(reader(written).ad_days(MAIN, MARCH))
    assert [(row["campaign"], row["ad"], row["name"]) for row in found] == [("7", "70", None)] * 2
    assert len(written.linkedin.reports) == 2


def test_an_ad_of_no_campaign_that_is_told_leaves_what_it_spent_to_its_campaign(
    written: Written,
) -> None:
    written.linkedin.campaign("7")
    written.linkedin.creatives["71"] = "7"
    for ad in (None, "71", "72", "73"):
        written.linkedin.spent("7", "2026-03-01", ad)
    written.linkedin.instead = lambda it: answer([]) if "creatives" in it.asked else None
    [warning] = written.sync().warnings
    assert warning.startswith(
        "account 508000001: of 2 ads that are in no list, such as creative 72, LinkedIn does not"
    )
    assert list(written.raw("campaign_days")) == ["508000001/7/2026-03-01"]
    assert list(written.raw("ad_days")) == ["508000001/7//71/2026-03-01"]


def test_days_of_campaigns_that_are_in_no_list_are_read(written: Written) -> None:
    written.linkedin.spent("9", "2026-03-01")
    assert [it["campaign"] for it in rows(reader(written).campaign_days(MAIN, MARCH))] == ["9"]


def test_no_report_can_have_as_much_as_is_cut(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 3 campaigns 6 days are asked for where 20 elements are too many."""
    monkeypatch.setattr(module, "MOST", 20)
    written.linkedin.most = 20
    for campaign in "789":
        written.linkedin.campaign(campaign)
        for day in range(1, 20):
            written.linkedin.spent(campaign, f"2026-03-{day:02}")
    assert len(rows(reader(written).campaign_days(MAIN, MARCH))) == 57
    assert [it.days for it in written.linkedin.reports] == [
        ("2026-03-01", "2026-03-06"),
        ("2026-03-07", "2026-03-12"),
        ("2026-03-13", "2026-03-18"),
        ("2026-03-19", "2026-03-19"),
    ]


def _many(written: Written, ads: int, day: str = "2026-03-01", campaigns: Any = "789") -> None:
    for campaign in campaigns:
        written.linkedin.campaign(campaign)
        for number in range(ads):
            written.linkedin.spent(campaign, day, f"{campaign}{number:05}")


def test_fifteen_thousand_ads_of_one_day_are_read_campaign_by_campaign(written: Written) -> None:
    _many(written, 5_001)
    for number in range(5_001):
        for campaign in "789":
            written.linkedin.creatives[f"{campaign}{number:05}"] = campaign
    day = Window(DAY, DAY)
    found = rows(reader(written, IN_TIME).ad_days(MAIN, day))
    assert len(found) == len({row["ad"] for row in found}) == 15_003
    assert [it.asked.get("campaigns") for it in written.linkedin.reports] == [
        None,
        ["urn:li:sponsoredCampaign:7"],
        ["urn:li:sponsoredCampaign:8", "urn:li:sponsoredCampaign:9"],
    ]


def test_fifteen_thousand_ads_of_one_campaign_are_an_error(written: Written) -> None:
    _many(written, 15_000, campaigns="7")
    with pytest.raises(SourceError) as refused:
        rows(reader(written).ad_days(MAIN, MARCH))
    assert str(refused.value) == (
        "source linkedin: account 508000001: the report of 2026-03-01 has 15,000 elements of "
        "campaign 7 alone: LinkedIn cuts it there and tells no more. Nothing of this source was "
        "loaded; leave the account out (`accounts`), and tell us of it"
    )


def test_what_is_cut_and_in_no_listed_campaign_is_an_error(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 20)
    written.linkedin.most = 20
    _many(written, 15, campaigns="78")
    del written.linkedin.campaigns["8"]
    with pytest.raises(SourceError, match="20 elements some of no campaign that is in its list"):
        rows(reader(written).ad_days(MAIN, Window(DAY, DAY)))
    written.linkedin.campaigns.clear()
    with pytest.raises(SourceError, match="20 elements and no campaign is in the account's list"):
        rows(reader(written).ad_days(MAIN, Window(DAY, DAY)))


def test_a_question_too_long_for_an_address_is_sent_in_the_body(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 150)
    written.linkedin.most = 150
    campaigns = [f"6000000{number:03}" for number in range(200)]
    _many(written, 1, campaigns=campaigns)
    for id in campaigns:
        written.linkedin.creatives[f"{id}00000"] = id
    assert len(rows(reader(written).ad_days(MAIN, Window(DAY, DAY)))) == 200
    posted = [it for it in written.linkedin.reports if it.method == "POST"]
    assert [len(it.asked["campaigns"]) for it in posted] == [100, 100]
    assert all(len(it.body) > LONGEST_QUERY and "?" not in it.url for it in posted)
    assert posted[0].headers["x-http-method-override"] == "GET"


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (401, "EXPIRED_ACCESS_TOKEN", "put a new access token into the environment variable LINK"),
        (403, "ACCESS_DENIED", "needs the scopes r_ads and r_ads_reporting"),
        (426, "NONEXISTENT_VERSION", "the source linkedin asks for 202610"),
        (400, "INVALID_VERSION", "write as `version` one that is still served"),
    ],
)
def test_refusals_name_the_remedy_and_are_not_repeated(
    written: Written, status: int, code: str, remedy: str
) -> None:
    written.linkedin.instead = lambda asked: problem(status, code, f"No, {TOKEN}.")
    with pytest.raises(SourceError, match=remedy) as refused:
        written.sync()
    assert f"status {status}: {code}: No, ***." in str(refused.value)
    assert len(written.linkedin.questions) == 1
    assert not written.has_raw
    assert TOKEN not in "".join(written.check().problems)


@pytest.mark.parametrize(
    "broken",
    [
        Response(b'{"elements": [{"id": 1', media_type="application/json"),
        problem(429, "TOO_MANY_REQUESTS", "Slower."),
        problem(500, "INTERNAL_SERVER_ERROR", "Oh."),
        Response(b"{}", media_type="application/json"),
    ],
    ids=["ends_early", "too_many", "server", "no_list"],
)
def test_what_passes_is_asked_for_again(written: Written, broken: Response) -> None:
    def once(asked: Question) -> Response | None:
        return broken if len(written.linkedin.questions) == 1 else None

    written.linkedin.instead = once
    assert len(reader(written).listing().accounts) == 1
    assert len(written.linkedin.questions) == 2


def test_what_lacks_a_token_says_which_variable(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LINKEDIN_ADS_ACCESS_TOKEN")
    [problem] = written.check().problems
    assert problem.startswith(
        "source linkedin: the environment variable LINKEDIN_ADS_ACCESS_TOKEN is not set"
    )


def test_an_account_that_lost_its_figures_is_not_taken_for_one_that_spent_nothing(
    written: Written,
) -> None:
    for day in range(1, 20):
        written.linkedin.spent("7", f"2026-03-{day:02}")
    written.linkedin.campaign("7")
    written.sync()
    written.linkedin.figures.clear()
    with pytest.raises(SourceError, match="campaign_days of account 508000001, 2026-02-18 to"):
        written.sync()
    assert len(written.raw("campaign_days")) == 19


def test_an_account_that_lost_its_few_figures_says_so_once(written: Written) -> None:
    written.linkedin.campaign("7")
    for day in range(10, 18):
        written.linkedin.spent("7", f"2026-03-{day:02}")
    assert written.sync().warnings == ()
    written.linkedin.figures.clear()
    [warning] = written.sync().warnings
    assert warning == (
        "account 508000001, 2026-02-18 to 2026-03-20: of 8 known days of campaigns only 0 are told "
        "now. The others count as deleted; see whether they are"
    )
    assert written.sync().warnings == ()


def test_settings_are_those_of_company_yml(written: Written) -> None:
    source = written.source("version: 202611\n    accounts: [508000001]")
    assert (source.version, source.accounts) == ("202611", ("508000001",))
    assert source.channel == "Paid Social"
    for wrong in ("version: v2", "token_env: AQXsecret"):
        with pytest.raises(Exception, match=r"version|token_env") as refused:
            written.source(wrong)
        assert "AQXsecret" not in str(refused.value)
