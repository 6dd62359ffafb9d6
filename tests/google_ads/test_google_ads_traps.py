"""What platforms do to the past, load by load: a Google Ads written by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from google_advertiser import Row, Written
from written_google import WrittenAccount, answer, failure

from ingestion.errors import SourceError

ID, WEST = "7301000001", "7301000002"


def figures(row: Row) -> tuple[Decimal, int, int, float, Decimal]:
    return (
        row["spend"], row["impressions"], row["clicks"], float(row["conversions"]),
        row["conversion_value"],
    )  # fmt: skip


@pytest.fixture
def main(written: Written) -> WrittenAccount:
    """An account with a search campaign, whose ads did all that it did."""
    account = written.google.account(ID)
    account.campaign("11", "Brand")
    for day in ("2026-03-01", "2026-03-02"):
        account.spent("11", day, cost=10, impressions=100, clicks=5, conversions=1, value=80)
        account.spent("11", day, "501", cost=6, impressions=60, clicks=3, conversions=1, value=80)
        account.spent("11", day, "502", cost=4, impressions=40, clicks=2)
    return account


def test_a_first_load_takes_in_accounts_campaigns_ads_and_their_days(
    written: Written, main: WrittenAccount
) -> None:
    report = written.sync()
    assert report.warnings == ()
    account = written.raw("accounts")[ID]
    assert (account["currency"], account["timezone"]) == ("USD", "UTC")
    assert (account["status"], account["manager"]) == ("ENABLED", "7300000000")
    campaign = written.raw("campaigns")["11"]
    assert (campaign["account"], campaign["name"]) == (ID, "Brand")
    assert (campaign["kind"], campaign["channel"]) == ("SEARCH", "Paid Search")
    ad = written.raw("ads")[f"{ID}/11/9/501"]
    assert (ad["campaign"], ad["ad_group"], ad["ad_group_name"]) == ("11", "9", "Nine")
    days = written.raw("campaign_days")
    assert days.keys() == {f"{ID}/11/2026-03-01", f"{ID}/11/2026-03-02"}
    assert figures(days[f"{ID}/11/2026-03-01"]) == (10, 100, 5, 1, 80)
    ads = written.raw("ad_days")
    assert len(ads) == 4
    assert figures(ads[f"{ID}/11/9/502/2026-03-02"]) == (4, 40, 2, 0, 0)
    assert {row["is_partial"] for row in [*days.values(), *ads.values()]} == {False}
    assert written.sync().is_unchanged


def test_channels_are_those_that_company_yml_gives_to_kinds(
    written: Written, main: WrittenAccount
) -> None:
    main.campaign("12", "Films", advertisingChannelType="VIDEO")
    written.sync(f"{written.keys}\n    channels: {{VIDEO: Video}}\n    channel: Search")
    channels = {id: row["channel"] for id, row in written.raw("campaigns").items()}
    assert channels == {"11": "Search", "12": "Video"}


def test_performance_max_spends_without_an_ad(written: Written, main: WrittenAccount) -> None:
    main.campaign("12", "Everything", advertisingChannelType="PERFORMANCE_MAX")
    main.spent("12", "2026-03-02", cost=141.14, clicks=9, conversions=2.5)
    written.sync()
    spend = {row["campaign"]: row["spend"] for row in written.raw("campaign_days").values()}
    assert spend == {"11": 10, "12": Decimal("141.14")}
    assert {row["campaign"] for row in written.raw("ad_days").values()} == {"11"}
    assert written.raw("campaigns")["12"]["kind"] == "PERFORMANCE_MAX"


def test_a_campaign_that_no_list_has_is_told_by_what_the_account_spent(
    written: Written, main: WrittenAccount
) -> None:
    main.spent("11", "2026-03-20", cost=1)
    assert written.sync().warnings == ()
    main.unlisted |= {"2026-03-02": 4.5, "2026-03-05": 7.25, "2026-03-20": 3}
    assert written.sync().warnings == (
        f"account {ID}: on 2 days, 2026-03-02 to 2026-03-05, it spent 21.75 USD as a whole, and "
        "its campaigns come to 10.00. The sum of campaigns is loaded. Where the next load says so "
        "again, compare campaigns with the platform's own page, and tell us of the one that is "
        "missing",
    )


def test_a_conversion_that_comes_20_days_late_is_a_version_of_its_day(
    written: Written, main: WrittenAccount
) -> None:
    written.sync()
    written.google.at("2026-03-21 12:00")
    for ad in (None, "501"):
        main.spent("11", "2026-03-01", ad, cost=10, impressions=100, clicks=5, conversions=2)
    report = written.sync()
    [days] = [load for load in report.tables if load.entity == "campaign_days"]
    assert (days.rows_new, days.rows_changed, days.rows_deleted) == (0, 1, 0)
    versions = written.versions("campaign_days", f"{ID}/11/2026-03-01")
    assert [float(row["conversions"]) for row in versions] == [1, 2]
    assert [row["conversion_value"] for row in versions] == [80, 0]
    assert len(written.versions("campaign_days", f"{ID}/11/2026-03-02")) == 1


def test_a_day_that_vanishes_within_the_window_is_deleted_and_outside_it_is_kept(
    written: Written, main: WrittenAccount
) -> None:
    main.spent("11", "2026-01-01", cost=7)
    for n in range(10, 20):
        main.spent("11", f"2026-03-{n}", cost=1)
    written.sync()
    for day in ("2026-01-01", "2026-03-01"):
        del main.campaign_days["11", day]
    for ad in ("501", "502"):
        del main.ad_days["11", "9", ad, "2026-03-01"]
    written.google.at("2026-03-21 12:00")
    written.sync()
    days = written.raw("campaign_days")
    assert f"{ID}/11/2026-03-01" not in days
    assert days[f"{ID}/11/2026-01-01"]["spend"] == 7
    last = written.versions("campaign_days", f"{ID}/11/2026-03-01")[-1]
    assert (last["is_deleted"], last["spend"]) == (True, 10)
    assert {row["day"] for row in written.raw("ad_days").values()} == {dt.date(2026, 3, 2)}


def test_once_a_week_90_days_are_read_again(written: Written, main: WrittenAccount) -> None:
    written.sync()
    asked = []
    for day in range(21, 29):
        written.google.questions.clear()
        written.google.at(f"2026-03-{day} 12:00")
        main.spent("11", f"2026-03-{day}", cost=1)
        written.sync()
        first = written.google.asked("ad_group_ad")[0]
        assert first.days
        asked.append(first.days[0])
    assert asked[0] == "2026-02-18"
    assert asked[-3:] == ["2026-02-23", "2025-12-26", "2026-02-25"]


@pytest.mark.parametrize(
    ("before_midnight", "after_midnight", "day"),
    [
        ("2026-03-08 06:30", "2026-03-08 08:30", "2026-03-07"),
        ("2026-03-09 06:30", "2026-03-09 07:30", "2026-03-08"),
        ("2025-11-02 06:30", "2025-11-02 07:30", "2025-11-01"),
        ("2025-11-03 07:30", "2025-11-03 08:30", "2025-11-02"),
    ],
    ids=["before_spring", "spring", "before_autumn", "autumn"],
)
def test_days_of_los_angeles_in_euros_end_at_its_midnight_also_when_clocks_change(
    written: Written, main: WrittenAccount, before_midnight: str, after_midnight: str, day: str
) -> None:
    google, west = written.google, written.google.account(WEST, "EUR", "America/Los_Angeles")
    google.at(before_midnight)
    west.campaign("21", "Coast")
    west.spent("21", day, cost=3)
    written.sync()
    asked = [it.days for it in google.asked("campaign") if it.customer == WEST and it.days]
    assert asked[-1][1] == day
    id = f"{WEST}/21/{day}"
    row = written.raw("campaign_days")[id]
    assert (row["currency"], row["spend"], row["is_partial"]) == ("EUR", 3, True)
    # It is over by now, and nothing else has changed.
    google.at(after_midnight)
    written.sync()
    assert [it["is_partial"] for it in written.versions("campaign_days", id)] == [True, False]
    # One of UTC has had its own midnight, long before.
    assert written.raw("accounts")[ID]["timezone"] == "UTC"


def test_what_a_deleted_ad_spent_stays_with_its_campaign(
    written: Written, main: WrittenAccount
) -> None:
    written.sync()
    for day in ("2026-03-01", "2026-03-02"):
        del main.ad_days["11", "9", "501", day]
    written.google.at("2026-03-21 12:00")
    report = written.sync()
    assert {row["spend"] for row in written.raw("campaign_days").values()} == {10}
    assert {row["ad"] for row in written.raw("ad_days").values()} == {"502"}
    assert {f"{ID}/11/9/501", f"{ID}/11/9/502"} == written.raw("ads").keys()
    [warning] = report.warnings
    assert "of 4 known days of ads only 2 are told now" in warning


def test_a_credit_makes_a_day_negative(written: Written, main: WrittenAccount) -> None:
    written.sync()
    main.spent("11", "2026-03-02", cost=-2.5, impressions=100, clicks=5, conversions=1, value=80)
    written.google.at("2026-03-21 12:00")
    written.sync()
    assert written.raw("campaign_days")[f"{ID}/11/2026-03-02"]["spend"] == Decimal("-2.5")


def test_a_campaign_that_is_renamed_and_removed_keeps_its_days(
    written: Written, main: WrittenAccount
) -> None:
    written.sync()
    main.campaign("11", "Brand (old)", status="REMOVED")
    written.google.at("2026-03-21 12:00")
    written.sync()
    names = [(it["name"], it["status"]) for it in written.versions("campaigns", "11")]
    assert names == [("Brand", "ENABLED"), ("Brand (old)", "REMOVED")]
    assert len(written.raw("campaign_days")) == 2


def test_a_token_that_expires_in_the_midst_of_a_load_is_renewed(
    written: Written, main: WrittenAccount
) -> None:
    for n in range(8):
        account = written.google.account(f"730100010{n}")
        account.campaign(f"3{n}", f"Campaign {n}")
        account.spent(f"3{n}", "2026-03-01", cost=n + 1)
    written.google.token_requests = 9
    written.sync()
    assert written.google.tokens > 2
    spend = {row["campaign"]: row["spend"] for row in written.raw("campaign_days").values()}
    assert spend == {"11": 10, **{f"3{n}": n + 1 for n in range(8)}}


def test_an_account_without_access_is_named_with_the_way_to_it(
    written: Written, main: WrittenAccount
) -> None:
    with pytest.raises(SourceError) as error:
        written.sync(f"{written.keys}\n    accounts: [{ID}, 999-999-9999]")
    assert "9999999999" in str(error.value)
    assert "link it to the manager account 7300000000" in str(error.value)
    assert not written.has_raw


def test_an_account_that_refuses_while_it_is_read_loads_nothing(
    written: Written, main: WrittenAccount
) -> None:
    written.google.account(WEST)
    written.google.instead = lambda asked: (
        failure(403, "authorizationError", "USER_PERMISSION_DENIED", "No permission.")
        if WEST in asked.path
        else None
    )
    with pytest.raises(SourceError, match=f"customers/{WEST}/.*Admin, Access and security"):
        written.sync()
    assert not written.has_raw


def test_no_account_at_all_is_an_error(written: Written) -> None:
    with pytest.raises(SourceError, match="link it to the manager account 7300000000"):
        written.sync()


def test_days_of_an_account_that_was_closed_stay_and_it_is_told(
    written: Written, main: WrittenAccount
) -> None:
    west = written.google.account(WEST, "EUR", "America/Los_Angeles")
    west.campaign("21", "Coast")
    west.spent("21", "2026-03-10", cost=3)
    written.sync()
    west.client["status"] = "CANCELED"
    written.google.questions.clear()
    written.google.at("2026-03-21 12:00")
    report = written.sync()
    assert [it for it in report.warnings if WEST in it]
    assert not [it for it in written.google.questions if it.customer == WEST]
    assert written.raw("campaign_days")[f"{WEST}/21/2026-03-10"]["spend"] == 3
    assert "21" in written.raw("campaigns")
    assert written.raw("accounts")[WEST]["status"] == "CANCELED"


@pytest.mark.parametrize("status", ["SUSPENDED", "UNKNOWN"])
def test_an_account_that_is_not_closed_is_read_as_long_as_it_answers(
    written: Written, main: WrittenAccount, status: str
) -> None:
    """Google credits invalid clicks of an account that it suspends: its days go on changing."""
    west = written.google.account(WEST, "EUR", "America/Los_Angeles", status=status)
    west.campaign("21", "Coast")
    west.spent("21", "2026-03-10", cost=3)
    assert written.sync().warnings == ()
    west.spent("21", "2026-03-10", cost=1)
    assert written.sync().warnings == ()
    assert written.raw("campaign_days")[f"{WEST}/21/2026-03-10"]["spend"] == 1
    written.google.instead = lambda asked: (
        failure(403, "authorizationError", "CUSTOMER_NOT_ENABLED", "It was deactivated.")
        if WEST in asked.path
        else None
    )
    assert written.sync().warnings == (
        f"account {WEST} is not read, for it is {status}; its days stay as they were on 2026-03-20",
    )
    assert written.raw("campaign_days")[f"{WEST}/21/2026-03-10"]["spend"] == 1


def test_of_a_closed_account_that_cannot_be_asked_nothing_is_known(
    written: Written, main: WrittenAccount
) -> None:
    written.google.direct = [ID, WEST]
    written.google.instead = lambda asked: (
        failure(403, "authorizationError", "CUSTOMER_NOT_ENABLED", "It was deactivated.")
        if WEST in asked.path
        else None
    )
    report = written.sync(f"accounts: [{ID}, {WEST}]")
    assert report.warnings == (f"account {WEST} is not read, for it is CUSTOMER_NOT_ENABLED",)
    account = written.raw("accounts")[WEST]
    assert [account[name] for name in ("name", "currency", "timezone", "manager")] == [None] * 4
    assert len(written.raw("campaign_days")) == 2


def test_an_account_that_can_be_asked_no_more_is_called_as_before(
    written: Written, main: WrittenAccount
) -> None:
    written.google.account(WEST, "EUR", "America/Los_Angeles", descriptiveName="Coast")
    written.google.direct = [ID, WEST]
    written.sync("since: 2026-01-01")
    written.google.instead = lambda asked: (
        failure(403, "authorizationError", "CUSTOMER_NOT_ENABLED", "It was deactivated.")
        if WEST in asked.path
        else None
    )
    for _ in range(2):
        written.sync("since: 2026-01-01")
        account = written.raw("accounts")[WEST]
        assert [account[name] for name in ("name", "currency", "timezone", "status")] == [
            "Coast", "EUR", "America/Los_Angeles", "CUSTOMER_NOT_ENABLED"
        ]  # fmt: skip
    assert len(written.versions("accounts", WEST)) == 2


def test_an_account_that_comes_new_is_read_from_the_beginning(
    written: Written, main: WrittenAccount
) -> None:
    written.sync()
    west = written.google.account(WEST)
    west.campaign("21", "Coast")
    west.spent("21", "2024-03-10", cost=3)
    written.google.questions.clear()
    written.google.at("2026-03-21 12:00")
    written.sync()
    assert written.raw("campaign_days")[f"{WEST}/21/2024-03-10"]["spend"] == 3
    first = {it.customer: it.days for it in reversed(written.google.asked("campaign")) if it.days}
    assert {id: days[0] for id, days in first.items()} == {ID: "2026-02-18", WEST: "2023-03-22"}


def test_a_gap_of_months_loses_nothing(written: Written, main: WrittenAccount) -> None:
    written.sync()
    main.spent("11", "2026-03-02", cost=11)
    main.spent("11", "2026-06-01", cost=2)
    written.google.at("2026-09-30 12:00")
    written.sync()
    days = {str(row["day"]): row["spend"] for row in written.raw("campaign_days").values()}
    assert days == {"2026-03-01": 10, "2026-03-02": 11, "2026-06-01": 2}


def test_days_that_google_no_longer_tells_of_stay(written: Written, main: WrittenAccount) -> None:
    main.spent("11", "2023-09-01", cost=5)
    written.sync("since: 2023-09-01\n    " + written.keys)
    written.google.at("2026-12-01 12:00")
    del main.campaign_days["11", "2023-09-01"]
    written.sync("since: 2023-01-01\n    " + written.keys)
    days = {str(row["day"]) for row in written.raw("campaign_days").values()}
    assert days == {"2023-09-01", "2026-03-01", "2026-03-02"}


def test_rows_that_break_the_contract_are_rejected_with_their_record(
    written: Written, main: WrittenAccount
) -> None:
    main.campaign_days["11", "2026-03-02"]["clicks"] = "many"
    written.sync()
    [rejected] = written.read("select * from raw_google_ads.rejected")
    assert (rejected["source_id"], rejected["reason"]) == (
        f"{ID}/11/2026-03-02", "clicks = many: not a whole number"
    )  # fmt: skip
    assert written.raw("campaign_days").keys() == {f"{ID}/11/2026-03-01"}


def test_an_amount_keeps_its_millionths(written: Written, main: WrittenAccount) -> None:
    main.campaign_days["11", "2026-03-02"]["costMicros"] = "1234567"
    written.sync()
    row = written.raw("campaign_days")[f"{ID}/11/2026-03-02"]
    assert row["spend"] == Decimal("1.234567")


def test_an_account_that_refuses_and_that_nobody_wants_stops_no_load(
    written: Written, main: WrittenAccount
) -> None:
    written.google.direct = [ID, WEST]
    written.google.instead = lambda asked: (
        failure(403, "authorizationError", "USER_PERMISSION_DENIED", "No permission.")
        if WEST in asked.path
        else None
    )
    assert written.sync(f"accounts: [{ID}]").warnings == ()
    assert len(written.raw("campaign_days")) == 2
    with pytest.raises(SourceError, match="USER_PERMISSION_DENIED"):
        written.sync(f"accounts: [{ID}, {WEST}]")


def test_of_a_user_who_was_added_to_no_account_google_tells_no_list(written: Written) -> None:
    """An empty list is left out of the answer, as every empty field is."""
    written.google.instead = lambda asked: answer({})
    with pytest.raises(SourceError, match="shows no account: add the user whose refresh token"):
        written.sync("since: 2026-01-01")
    assert len(written.google.questions) == 1
    with pytest.raises(SourceError, match="it is no list of batches"):
        written.sync()
