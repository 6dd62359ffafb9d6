"""Reports: awaited, asked for again where they fail, and in parts where they are too much."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import orjson
import pytest
from meta_accounts import TOKEN, Row, Script
from scripted_meta import TOO_MANY_ROWS, Refusal

from ingestion.errors import SourceError
from ingestion.http import MalformedAnswerError
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account
from ingestion.sources.meta_ads.reader import MetaAdsReader

ACCOUNT = Account("11", "Account 11", "USD", "UTC")
MARCH = Window(dt.date(2026, 3, 1), dt.date(2026, 3, 31))


def days(count: int) -> list[str]:
    return [f"2026-03-{day:02}" for day in range(1, count + 1)]


def spend_of(script: Script) -> Counter[tuple[str, str]]:
    """How often each ad and day is there, were it read as it should be."""
    return Counter((str(it.ad), it.day) for it in script.meta.days if it.ad)


def ads_read(script: Script, window: Window = MARCH, more: str = "") -> list[Row]:
    reader = script.reader(more)
    return [dict(row) for page in reader.ad_days(ACCOUNT, window) for row in page]


def keys(rows: list[Row]) -> Counter[tuple[str, str]]:
    return Counter((row["ad"], row["day"]) for row in rows)


def test_a_report_is_read_once_it_is_complete_and_at_100_percent(script: Script) -> None:
    script.meta.spent("31", "2026-03-02")
    script.meta.polls = 3
    assert [row["day"] for row in ads_read(script)] == ["2026-03-02"]
    paths = [path for _, path, _ in script.meta.requests]
    assert [path.split("/")[-1] for path in paths] == [
        "insights", *["770000"] * 4, "insights"
    ]  # fmt: skip


@pytest.mark.parametrize("page", [1, 3, 500])
def test_pages_are_followed_by_cursor_and_never_by_the_address_with_the_token(
    script: Script, page: int
) -> None:
    for day in days(7):
        script.meta.spent("31", day)
    script.meta.page = page
    assert keys(ads_read(script)) == spend_of(script)
    assert not [it for it in script.meta.requests if TOKEN in str(it)]
    read = script.meta.asked("0000/insights")
    assert len(read) == -(-7 // page)


def test_years_are_read_in_slices_that_neither_overlap_nor_leave_a_day_out(
    script: Script,
) -> None:
    window = Window(dt.date(2025, 1, 1), dt.date(2026, 3, 31))
    for reader in (script.reader().ad_days, script.reader().campaign_days):
        list(reader(ACCOUNT, window))
    for level, most in (("ad", 31), ("campaign", 93)):
        told = [
            dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(window.days)
        ]  # fmt: skip
        found = []
        for since, until in script.asked_days(level):
            first, last = dt.date.fromisoformat(since), dt.date.fromisoformat(until)
            assert (last - first).days < most
            found += [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        assert found == told


@pytest.mark.parametrize("refuses_at", ["begin", "run", "rows"])
@pytest.mark.parametrize("most_rows", [1, 5, 20])
def test_reduce_the_amount_of_data_halves_the_range(
    script: Script, refuses_at: str, most_rows: int
) -> None:
    for day in days(31):
        script.meta.spent("31", day)
    script.meta.refuses_at, script.meta.most_rows = refuses_at, most_rows
    assert keys(ads_read(script)) == spend_of(script)
    # What is too much is not asked for twice.
    spans = script.asked_days("ad")
    assert len(spans) == len(set(spans)) > 1
    assert spans[:2] == [("2026-03-01", "2026-03-31"), ("2026-03-01", "2026-03-15")]


def test_too_many_rows_by_code_halves_too(script: Script) -> None:
    for day in days(4):
        script.meta.spent("31", day)
    script.meta.most_rows, script.meta.too_much = 2, Refusal(400, TOO_MANY_ROWS)
    assert keys(ads_read(script)) == spend_of(script)


def test_a_day_that_is_too_much_is_read_campaign_by_campaign(script: Script) -> None:
    script.meta.campaign("11", "22")
    script.meta.ad("22", "33")
    for day in days(2):
        for ad in ("31", "33"):
            script.meta.spent(ad, day)
    script.meta.refuses_at, script.meta.most_rows = "rows", 2
    # One ad's row of a day is no more than the two rows of the campaigns' day.
    script.meta.spent("32", "2026-03-01")
    assert keys(ads_read(script)) == spend_of(script)


@pytest.mark.parametrize("level", ["campaign", "ad"])
def test_a_day_that_cannot_be_made_smaller_is_an_error(script: Script, level: str) -> None:
    script.meta.spent("31", "2026-03-05")
    script.meta.most_rows = 0
    reader = script.reader()
    read = reader.ad_days if level == "ad" else reader.campaign_days
    with pytest.raises(SourceError) as error:
        list(read(ACCOUNT, MARCH))
    said = str(error.value)
    assert "Please reduce the amount of data" in said
    assert "the report of campaigns of 2026-03-05, which cannot be asked for in smaller" in said
    assert "source meta: POST /v26.0/act_11/insights" in said


@pytest.mark.parametrize("failing", [1, 3])
def test_a_report_that_fails_is_asked_for_again(script: Script, failing: int) -> None:
    script.meta.spent("31", "2026-03-05")
    script.meta.failing = failing
    assert keys(ads_read(script)) == spend_of(script)
    assert script.asked_days("ad") == [("2026-03-01", "2026-03-31")] * (failing + 1)


def test_reports_that_go_on_failing_are_halved_and_end_in_an_error(script: Script) -> None:
    script.meta.failing = 1_000
    with pytest.raises(SourceError, match="the report failed 4 times; the last time: Report Fail"):
        ads_read(script)
    assert len(script.asked_days("ad")) < 40


def test_limits_pass_though_their_status_is_400(script: Script) -> None:
    script.meta.spent("31", "2026-03-05")
    usage = {"11": [{"type": "ads_insights", "estimated_time_to_regain_access": 1}]}
    for code, headers in (
        (17, {}),
        (80_000, {"x-business-use-case-usage": orjson.dumps(usage).decode()}),
        (4, {"x-fb-ads-insights-throttle": '{"app_id_util_pct": 100, "acc_id_util_pct": 10}'}),
        (2, {"x-business-use-case-usage": "no JSON"}),
        (4, {"x-business-use-case-usage": '{"11": [{"estimated_time_to_regain_access": null}]}'}),
    ):
        error = {"message": "(#17) User request limit reached", "code": code}
        script.meta.refusals.append(Refusal(400, error, headers))
    assert keys(ads_read(script)) == spend_of(script)


@pytest.mark.parametrize(
    ("refusal", "remedy"),
    [
        (Refusal(400, {"message": "Session has expired", "code": 190}),
         "put a new one into the environment variable META_ADS_ACCESS_TOKEN"),
        (Refusal(401, {"message": "Invalid OAuth access token", "code": 190}),
         "put a new one into the environment variable META_ADS_ACCESS_TOKEN"),
        (Refusal(403, {"message": "(#200) Ad account owner has NOT granted ads_read", "code": 200}),
         "assign it in Meta's Business settings"),
        (Refusal(400, {"message": "(#2635) You are calling a deprecated version", "code": 2635}),
         "the source meta asks for version v26.0 of the API: name one that Meta still has"),
        (Refusal(400, {"message": "Unknown field", "code": 100, "error_subcode": 33}),
         "Unknown field (code 100/33)"),
    ],
)  # fmt: skip
def test_an_error_is_told_once_with_its_remedy(
    script: Script, refusal: Refusal, remedy: str
) -> None:
    script.meta.refusals.append(refusal)
    with pytest.raises(SourceError) as error:
        ads_read(script)
    assert remedy in str(error.value)
    assert refusal.error["message"] in str(error.value)
    assert len(script.meta.requests) == 1


def test_a_version_that_meta_has_no_more_is_named(script: Script) -> None:
    with pytest.raises(SourceError, match=r"asks for version v1\.0 of the API"):
        ads_read(script, more="version: v1.0")


def test_a_token_in_the_words_of_an_error_is_not_shown(script: Script) -> None:
    script.meta.refusals.append(Refusal(400, {"message": f"Malformed {TOKEN}", "code": 190}))
    with pytest.raises(SourceError, match=r"Malformed \*\*\*"):
        ads_read(script)


@pytest.mark.parametrize(
    ("attribution", "counted", "worth"),
    [
        ("[7d_click, 1d_view]", "4", "35"),
        ("[1d_click]", "1", "10"),
        ("[28d_click, 1d_view]", "6", "55"),
        ("[1d_view]", "1", "5"),
    ],
)
def test_conversions_are_of_the_windows_that_are_asked_for_and_all_are_kept(
    script: Script, attribution: str, counted: str, worth: str
) -> None:
    script.meta.spent(
        "31", "2026-03-05", actions={"lead": (1, 3, 5, 1)}, values={"lead": (10, 30, 50, 5)}
    )
    [row] = ads_read(script, more=f"attribution: {attribution}")
    assert (row["conversions"], row["conversion_value"]) == (counted, worth)
    assert row["attribution"] == attribution.strip("[]").replace(" ", "")
    kept = [row[f"conversions_{it}"] for it in ("1d_click", "7d_click", "28d_click", "1d_view")]
    assert kept == ["1", "3", "5", "1"]


def test_several_types_of_actions_are_added_up_and_others_left_out(script: Script) -> None:
    actions = {"lead": (1, 2, 2, 0), "purchase": (0, 4, 4, 1), "page_engagement": (9, 9, 9, 9)}
    script.meta.spent("31", "2026-03-05", actions=actions)
    [row] = ads_read(script, more="conversions: [purchase, lead]")
    assert row["conversions"] == "7"
    assert row["conversion_value"] == "0"


def test_what_campaigns_leave_out_is_not_known_and_what_ads_leave_out_did_not_happen(
    script: Script,
) -> None:
    script.meta.spent("31", "2026-03-05", actions={"lead": (0, 1, 1, 0)})
    script.meta.spent("32", "2026-03-05")
    campaign_days = script.reader().campaign_days
    [campaign] = [it for page in campaign_days(ACCOUNT, MARCH) for it in page]
    assert (campaign["spend"], campaign["conversions"]) == ("20", None)
    assert campaign["conversion_value"] is campaign["conversions_7d_click"] is None
    assert [row["conversions"] for row in ads_read(script)] == ["1", "0"]
    script.meta.tells_campaigns = True
    [campaign] = [it for page in campaign_days(ACCOUNT, MARCH) for it in page]
    assert campaign["conversions"] == "1"


def test_conversions_that_no_report_has_are_warned_of_with_those_that_are_there(
    script: Script,
) -> None:
    reader: MetaAdsReader = script.reader("conversions: [leads, purchase]")
    list(reader.ad_days(ACCOUNT, MARCH))
    assert list(reader.warnings()) == []
    script.meta.spent("31", "2026-03-05", actions={"lead": (0, 1, 1, 0), "purchase": (1, 1, 1, 0)})
    list(reader.ad_days(ACCOUNT, MARCH))
    [warning] = reader.warnings()
    assert "no ad had an action of the type 'leads'" in warning
    assert "did you mean 'lead'? Allowed: lead, link_click, purchase" in warning


def test_conversions_in_no_window_are_warned_of(script: Script) -> None:
    script.meta.spent("31", "2026-03-05", actions={"lead": (0, 0, 0, 0)}, elsewhere=2)
    script.meta.spent("31", "2026-03-06", actions={"lead": (0, 1, 1, 0)})
    reader = script.reader()
    rows = [row for page in reader.ad_days(ACCOUNT, MARCH) for row in page]
    assert [row["conversions"] for row in rows] == ["0", "1"]
    [warning] = reader.warnings()
    assert warning.startswith("conversions in none of the windows 1d_click, 7d_click, 28d_click, ")
    assert warning.endswith("are not counted: days of ads that have some: 1")


def test_conversions_beside_those_of_the_windows_are_warned_of_too(script: Script) -> None:
    # Within 28 days of a click there are those within 7; without engaged views nothing is beyond.
    script.meta.spent("31", "2026-03-05", actions={"lead": (0, 2, 4, 1)}, elsewhere=3)
    script.meta.spent("31", "2026-03-06", actions={"lead": (0, 2, 4, 1)}, elsewhere=2)
    reader = script.reader()
    rows = [row for page in reader.ad_days(ACCOUNT, MARCH) for row in page]
    assert [row["conversions"] for row in rows] == ["3", "3"]
    [warning] = reader.warnings()
    assert warning.endswith("are not counted: days of ads that have some: 1")


def test_a_row_of_several_days_is_no_day(script: Script) -> None:
    script.meta.spent("31", "2026-03-05")
    script.meta.row_more = {"date_stop": "2026-03-06"}
    with pytest.raises(MalformedAnswerError, match="a day is 2026-03-05 to 2026-03-06"):
        ads_read(script)


def test_the_first_day_that_meta_tells_of_is_37_months_ago(script: Script) -> None:
    earliest = script.reader().earliest
    assert earliest(dt.date(2026, 4, 1)) == dt.date(2023, 3, 2)
    assert earliest(dt.date(2026, 1, 15)) == dt.date(2022, 12, 16)
    # 37 months before 31 March is no day; to Meta it is 2 March.
    assert earliest(dt.date(2027, 3, 31)) == dt.date(2024, 3, 3)


def test_a_deleted_campaign_is_read_by_its_id_if_it_has_figures(script: Script) -> None:
    for id in ("22", "23"):
        script.meta.campaign("11", id, effective_status="DELETED", lifetime_budget="5000")
    script.meta.ad("22", "33", effective_status="DELETED")
    script.meta.spent("33", "2024-05-05")
    rows = [row for page in script.reader().campaigns(ACCOUNT) for row in page]
    assert [(it["source_id"], it["status"], it["budget"]) for it in rows] == [
        ("21", "ACTIVE", None), ("22", "DELETED", "50"),
    ]  # fmt: skip


def test_a_deleted_campaign_of_which_meta_has_no_more_is_as_its_report_has_it(
    script: Script,
) -> None:
    script.meta.campaign("11", "22", effective_status="DELETED", objective="OUTCOME_SALES")
    script.meta.ad("22", "33", effective_status="DELETED")
    script.meta.spent("33", "2026-03-05")
    script.meta.gone = {"22"}
    [_, [campaign]] = script.reader().campaigns(ACCOUNT)
    told = [campaign[name] for name in ("source_id", "name", "status", "kind", "budget")]
    assert told == ["22", "Campaign 22", "DELETED", "OUTCOME_SALES", None]


def test_a_list_that_is_too_much_is_read_in_smaller_pages(script: Script) -> None:
    for id in range(100, 230):
        script.meta.campaign("11", str(id))
    for most in (500, 499, 99):
        script.meta.most_listed = most
        pages = list(script.reader().campaigns(ACCOUNT))
        assert sorted(row["source_id"] for page in pages for row in page) == sorted(
            script.meta.campaigns
        )
    script.meta.most_listed = 10
    with pytest.raises(SourceError, match="reduce the amount of data"):
        list(script.reader().campaigns(ACCOUNT))


@pytest.mark.parametrize(
    ("currency", "minor", "budget"),
    [("USD", "123450", "1234.5"), ("JPY", "123450", "123450"), ("USD", "0", None)],
)
def test_budgets_are_in_units_of_the_currency(
    script: Script, currency: str, minor: str, budget: str | None
) -> None:
    script.meta.campaigns["21"] |= {"lifetime_budget": minor}
    account = Account("11", None, currency, "UTC")
    [[campaign]] = script.reader().campaigns(account)
    assert (campaign["budget"], campaign["daily_budget"]) == (budget, None)


@pytest.mark.parametrize(
    ("zone", "start", "stop", "days"),
    [
        # On 29 March 2026 the clocks of Berlin change.
        ("Europe/Berlin", "2026-03-28T23:30:00+0000", "2026-03-29T22:00:00+0000",
         ("2026-03-29", "2026-03-29")),
        ("America/Los_Angeles", "2026-03-01T02:00:00+0000", "2026-03-05T23:59:59-0800",
         ("2026-02-28", "2026-03-05")),
        ("UTC", "2026-03-01T00:00:00+0000", None, ("2026-03-01", None)),
        ("UTC", "1970-01-01T00:00:00+0000", "1970-01-01T00:00:00+0000", (None, None)),
        ("America/Los_Angeles", "2026-03-01T00:00:00-0800", "1969-12-31T15:59:59-0800",
         ("2026-03-01", None)),
    ],
)  # fmt: skip
def test_days_of_a_campaign_are_the_accounts(
    script: Script, zone: str, start: str, stop: str | None, days: tuple[str, str | None]
) -> None:
    script.meta.campaigns["21"] |= {"start_time": start, "stop_time": stop}
    [[campaign]] = script.reader().campaigns(Account("11", None, "EUR", zone))
    assert (campaign["started_on"], campaign["ended_on"]) == days


def test_accounts_are_told_with_their_zone_currency_and_state(script: Script) -> None:
    script.meta.account("12", "EUR", "America/Los_Angeles")
    script.meta.accounts[1]["account_status"] = 101
    script.meta.page = 1
    listing = script.reader().listing()
    assert [(it.id, it.currency, it.timezone, it.status) for it in listing.accounts] == [
        ("11", "USD", "UTC", "ACTIVE"), ("12", "EUR", "America/Los_Angeles", "CLOSED"),
    ]  # fmt: skip
    assert listing.at == dt.datetime(2026, 4, 1, 12)
