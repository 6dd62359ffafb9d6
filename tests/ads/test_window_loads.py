"""Loads of a platform that restates its past, each case by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from restating import COAST, MAIN, Books, FakeReader, Platform, counts, source_with

from ingestion.errors import SourceError
from ingestion.http import MalformedAnswerError
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account, Row
from tests.ingestion.postgres_server import running_server

NOON = dt.datetime(2026, 3, 1, 12)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """An empty warehouse."""
    return Books(tmp_path)


@pytest.fixture
def platform() -> Platform:
    """One account, with a campaign that spent 10 on each of the 60 days up to 1 March."""
    platform = Platform(now=NOON)
    for age in range(60):
        platform.spend("7", str(NOON.date() - dt.timedelta(days=age)))
    return platform


def _next_day(platform: Platform, days: int = 1) -> None:
    platform.now += dt.timedelta(days=days)


def _spend(books: Books, id: str) -> list[tuple[Decimal, bool]]:
    """Spend of a record's versions, and whether they say that it is deleted."""
    versions = [row for row in books.versions("campaign_days") if row["source_id"] == id]
    return [(row["spend"], row["is_deleted"]) for row in versions]


def test_through_dlt_a_load_and_an_increment(tmp_path: Path, platform: Platform) -> None:
    _load_and_increment(Books(tmp_path, is_quick=False), platform)


def test_the_same_on_postgresql(tmp_path: Path, platform: Platform) -> None:
    with running_server() as url:
        _load_and_increment(Books(tmp_path, is_quick=False, postgres=url), platform)


def _load_and_increment(books: Books, platform: Platform) -> None:
    platform.ad("7", "70", "2026-02-20", "4.25", name="Blue", ad_group_name="Colours")
    first = books.load(platform)
    assert counts(first) == {
        "accounts": (1, 0, 0), "campaigns": (1, 0, 0), "ads": (1, 0, 0),
        "campaign_days": (60, 0, 0), "ad_days": (1, 0, 0),
    }  # fmt: skip
    assert all(table.is_unchanged for table in books.load(platform).tables)
    platform.spend("7", "2026-02-20", "12.5")
    del platform.ads["11", "7", "70", "2026-02-20"]
    assert counts(books.load(platform)) == {"campaign_days": (0, 1, 0), "ad_days": (0, 0, 1)}
    assert _spend(books, "11/7/2026-02-20") == [(Decimal(10), False), (Decimal("12.5"), False)]
    assert books.latest("ad_days") == {}
    assert books.latest("ads")["11/7/70/70"]["name"] == "Blue"


def test_a_day_that_vanishes_is_deleted_as_of_the_load_that_lacks_it(
    books: Books, platform: Platform
) -> None:
    books.load(platform)
    _next_day(platform)
    del platform.days["11", "7", "2026-02-10"]
    assert counts(books.load(platform))["campaign_days"] == (0, 1, 1)
    assert _spend(books, "11/7/2026-02-10") == [(Decimal(10), False), (Decimal(10), True)]
    assert books.latest("campaign_days").keys() == {f"11/7/{day}" for _, _, day in platform.days}


def test_a_day_that_comes_back_is_there_again(books: Books, platform: Platform) -> None:
    books.load(platform)
    gone = platform.days.pop(("11", "7", "2026-02-10"))
    books.load(platform)
    platform.days["11", "7", "2026-02-10"] = gone
    assert counts(books.load(platform)) == {"campaign_days": (0, 1, 0)}
    assert [is_deleted for _, is_deleted in _spend(books, "11/7/2026-02-10")] == [
        False, True, False,
    ]  # fmt: skip


def test_what_changes_outside_of_the_window_waits_for_a_long_one(
    books: Books, platform: Platform
) -> None:
    books.load(platform)
    platform.spend("7", "2026-01-20", "99")
    del platform.days["11", "7", "2026-01-21"]
    for _ in range(6):
        _next_day(platform)
        assert "2026-01-20" not in {
            str(row["day"]) for row in books.versions("campaign_days") if row["spend"] == 99
        }
        assert counts(books.load(platform)).get("campaign_days", (0, 0, 0))[2] == 0
    _next_day(platform)
    assert counts(books.load(platform))["campaign_days"] == (0, 1, 1)
    assert books.latest("campaign_days")["11/7/2026-01-20"]["spend"] == 99
    assert "11/7/2026-01-21" not in books.latest("campaign_days")


def test_today_is_partial_until_a_later_day_reads_it(books: Books, platform: Platform) -> None:
    books.load(platform)
    partial = "11/7/2026-03-01"
    assert {id for id, row in books.latest("campaign_days").items() if row["is_partial"]} == {
        partial
    }
    _next_day(platform)
    assert counts(books.load(platform))["campaign_days"] == (0, 1, 0)
    assert not books.latest("campaign_days")[partial]["is_partial"]


def test_a_day_ends_when_it_does_in_the_account(books: Books) -> None:
    """At 07:30 UTC on 9 March, Los Angeles, whose clocks went forward, has half past midnight."""
    platform = Platform([MAIN, COAST], now=dt.datetime(2026, 3, 9, 6, 59))
    for account in ("11", "22"):
        platform.spend(account, "2026-03-08", account=account)
        platform.spend(account, "2026-03-09", account=account)
    books.load(platform, since="2026-03-01")
    found = books.latest("campaign_days")
    assert {id: row["is_partial"] for id, row in found.items()} == {
        "11/11/2026-03-08": False,
        "11/11/2026-03-09": True,
        "22/22/2026-03-08": True,
    }
    assert {id: row["currency"] for id, row in found.items()}["22/22/2026-03-08"] == "EUR"
    platform.now = dt.datetime(2026, 3, 9, 7)
    assert counts(books.load(platform, since="2026-03-01"))["campaign_days"] == (1, 1, 0)
    assert books.latest("campaign_days")["22/22/2026-03-09"]["is_partial"]
    assert {window for _, account, window in platform.requests[-4:] if account == "22"} == {
        Window(dt.date(2026, 3, 1), dt.date(2026, 3, 9))
    }


def test_an_account_that_comes_new_is_read_from_the_beginning_the_others_are_not(
    books: Books, platform: Platform
) -> None:
    books.load(platform, since="2026-01-01")
    platform.requests.clear()
    platform.accounts.append(COAST)
    platform.spend("8", "2026-01-05", account="22")
    _next_day(platform)
    assert counts(books.load(platform, since="2026-01-01"))["campaign_days"] == (1, 1, 0)
    assert {(account, str(window.since)) for _, account, window in platform.requests} == {
        ("11", "2026-01-30"),
        ("22", "2026-01-01"),
    }


def test_an_account_that_is_named_no_more_keeps_its_days_and_is_told_of_each_time(
    books: Books, platform: Platform
) -> None:
    platform.accounts.append(COAST)
    platform.spend("8", "2026-02-05", account="22")
    books.load(platform)
    told = (
        "account 22 is not read any more, for it is not among the source's accounts; its days stay "
        "as they were on 2026-03-01"
    )
    for _ in range(2):
        _next_day(platform)
        assert books.load(platform, accounts=["11"]).warnings == (told,)
    assert "22/8/2026-02-05" in books.latest("campaign_days")
    assert "8" in books.latest("campaigns")
    platform.asked = "v2"
    assert books.load(platform, accounts=["11"]).warnings == (told,)
    # Named again it is read as it is asked for now: from the beginning.
    platform.requests.clear()
    assert books.load(platform, since="2025-12-01").warnings == ()
    assert ("campaign_days", "22") in {(table, id) for table, id, _ in platform.requests}
    assert {str(it.since) for _, id, it in platform.requests if id == "22"} == {"2025-12-01"}


def test_other_figures_are_asked_for_of_all_days(books: Books, platform: Platform) -> None:
    books.load(platform)
    for figures in platform.days.values():
        figures["attribution"] = "7d_click"
    platform.asked = "7d_click"
    assert counts(books.load(platform))["campaign_days"] == (0, 60, 0)


def test_a_window_that_lost_a_fifth_of_its_days_is_refused(
    books: Books, platform: Platform
) -> None:
    books.load(platform)
    known = sorted(platform.days)
    for key in known[-31:-24]:
        del platform.days[key]
    with pytest.raises(SourceError) as refused:
        books.load(platform)
    assert str(refused.value) == (
        "source ads: campaign_days of account 11, 2026-01-30 to 2026-03-01, the list has 24 "
        "known records, the last one had 31. One below 80% of the last one is refused, and nothing "
        "of this source was loaded. If it is right, run again with FORCE=1"
    )
    assert len(books.latest("campaign_days")) == 60
    platform.days[known[-31]] = {"spend": "10"}
    assert counts(books.load(platform)) == {"campaign_days": (0, 0, 6)}
    del platform.days[known[-31]]
    del platform.days[known[-24]]
    assert counts(books.load(platform, force=True)) == {"campaign_days": (0, 0, 2)}


def test_one_account_that_answers_empty_is_refused_though_others_have_much(
    books: Books, platform: Platform
) -> None:
    platform.accounts.append(COAST)
    for day in range(1, 13):
        platform.spend("8", f"2026-02-{day:02}", account="22")
    books.load(platform)
    for key in [key for key in platform.days if key[0] == "22"]:
        del platform.days[key]
    with pytest.raises(SourceError, match="campaign_days of account 22"):
        books.load(platform)


def test_days_that_are_new_make_up_for_none_that_is_lost(books: Books, platform: Platform) -> None:
    books.load(platform)
    for account, campaign, day in sorted(platform.days)[-20:]:
        del platform.days[account, campaign, day]
        platform.spend("9", day)
    with pytest.raises(SourceError, match="the list has 11 known records, the last one had 31"):
        books.load(platform)


def test_ads_that_leave_the_report_are_told_and_refuse_nothing(
    books: Books, platform: Platform
) -> None:
    for day in range(1, 21):
        platform.ad("7", "70", f"2026-02-{day:02}", "4")
    books.load(platform)
    platform.ads.clear()
    report = books.load(platform)
    assert counts(report) == {"ad_days": (0, 0, 20)}
    assert report.warnings == (
        "account 11, 2026-01-30 to 2026-03-01: of 20 known days of ads only 0 are told now. What "
        "the others spent stays with their campaigns, by no ad; see whether ads were deleted",
    )


def test_what_an_account_spent_beyond_its_campaigns_is_told_by_account(
    books: Books, platform: Platform
) -> None:
    platform.accounts.append(COAST)
    for campaign in ("7", "8", "9"):
        platform.spend(campaign, "2026-02-05", "10.001", account="22")
    # Four amounts that are each rounded to a cent may be off by less than two of them.
    platform.beyond["22", "2026-02-05"] = Decimal("0.0199")
    platform.beyond["11", "2026-03-01"] = Decimal(99)
    assert books.load(platform).warnings == ()
    platform.beyond["22", "2026-02-05"] = Decimal("0.02")
    platform.beyond["11", "2026-02-08"] = Decimal("-0.01")
    platform.beyond["11", "2026-02-10"] = Decimal("5")
    platform.beyond["11", "2026-01-02"] = Decimal("5")
    then = (
        "The sum of campaigns is loaded. Where the next load says so again, compare campaigns "
        "with the platform's own page, and tell us of the one that is missing"
    )
    assert books.load(platform).warnings == (
        "account 11: on 2 days, 2026-02-08 to 2026-02-10, it spent 24.99 USD as a whole, and its "
        f"campaigns come to 20.00. {then}",
        "account 22: on 2026-02-05 it spent 30.023 EUR as a whole, and its campaigns come to "
        f"30.003. {then}",
    )
    assert len(books.latest("campaign_days")) == 63


def test_an_account_that_tells_of_no_day_while_its_campaigns_do_is_told(
    books: Books, platform: Platform
) -> None:
    class Silent(FakeReader):
        def account_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
            yield []

    [told] = books.load(platform, reader=Silent).warnings
    assert "on 59 days, 2026-01-01 to 2026-02-28, it spent 0.00 USD as a whole" in told


def test_rows_that_come_twice_count_once(books: Books, platform: Platform) -> None:
    class Twice(FakeReader):
        def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
            for page in super().campaign_days(account, window):
                yield from (page, page)

    assert counts(books.load(platform, reader=Twice))["campaign_days"] == (60, 0, 0)


def test_two_rows_of_one_day_that_differ_are_no_answer(books: Books, platform: Platform) -> None:
    class Torn(FakeReader):
        def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
            for page in super().campaign_days(account, window):
                yield page
                yield [{**row, "clicks": 3} for row in page]

    with pytest.raises(SourceError, match="two rows of campaign_days 11/7/2026-01-01, which say"):
        books.load(platform, reader=Torn)


@pytest.mark.parametrize("day", ["2026-03-02", "2022-01-01", None])
def test_a_day_that_was_not_asked_for_is_no_answer(
    books: Books, platform: Platform, day: str | None
) -> None:
    class Wandering(FakeReader):
        def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
            yield [{"campaign": "7", "day": day, "spend": "1"}]

    with pytest.raises(SourceError, match="asked for campaigns' days of account 11"):
        books.load(platform, reader=Wandering)


def test_a_figure_that_is_none_is_rejected_and_what_was_known_stays(
    books: Books, platform: Platform
) -> None:
    books.load(platform)
    platform.spend("7", "2026-02-10", "ten", clicks="3")
    report = books.load(platform)
    rejected = {table.entity: table.rows_rejected for table in report.tables}
    assert rejected["campaign_days"] == 1
    [row] = books.read("select * from raw_fake_ads.rejected")
    assert (row["source_id"], row["reason"]) == (
        "11/7/2026-02-10",
        "spend = ten: not a number",
    )
    assert books.latest("campaign_days")["11/7/2026-02-10"]["spend"] == 10
    assert all(table.is_unchanged for table in books.load(platform).tables)
    # It is still counted once its day is read no more, for nobody has told it well since.
    _next_day(platform, 31)
    platform.spend("7", "2026-04-01")
    platform.now = dt.datetime(2026, 4, 1, 12)
    books.load(platform)
    _next_day(platform)
    report = books.load(platform)
    assert {it.entity: it.rows_rejected for it in report.tables}["campaign_days"] == 1
    platform.spend("7", "2026-02-10", "11")
    _next_day(platform, 7)
    report = books.load(platform)
    assert {it.entity: it.rows_rejected for it in report.tables}["campaign_days"] == 0
    assert books.latest("campaign_days")["11/7/2026-02-10"]["spend"] == 11


def test_what_is_not_known_is_not_zero(books: Books, platform: Platform) -> None:
    platform.spend("7", "2026-02-10", "-3.000001", impressions=0, conversions=0.5)
    books.load(platform)
    row = books.latest("campaign_days")["11/7/2026-02-10"]
    figures: dict[str, Any] = {name: row[name] for name in ("impressions", "clicks", "conversions")}
    assert figures == {"impressions": 0, "clicks": None, "conversions": Decimal("0.5")}
    assert row["spend"] == Decimal("-3.000001")


def test_an_ad_is_called_as_on_its_last_day(books: Books, platform: Platform) -> None:
    platform.ad("7", "70", "2026-02-11", "4", name="Green", ad_group_name=None)
    platform.ad("7", "70", "2026-02-10", "4", name="Blue", ad_group_name="Colours")
    books.load(platform)
    ad = books.latest("ads")["11/7/70/70"]
    assert (ad["name"], ad["ad_group_name"], ad["campaign"], ad["ad_group"]) == (
        "Green", None, "7", "70",
    )  # fmt: skip


def test_channels_are_those_of_the_company_file(books: Books, platform: Platform) -> None:
    platform.campaigns["7"]["kind"] = "VIDEO"
    platform.campaigns["8"] = {"account": "11", "name": "Eight", "kind": "SEARCH"}
    books.load(platform, channel="Paid", channels={"VIDEO": "Video"})
    found = books.latest("campaigns")
    assert {id: row["channel"] for id, row in found.items()} == {"7": "Video", "8": "Paid"}


def test_a_kind_that_no_campaign_is_of_is_told_with_those_that_are(
    books: Books, platform: Platform
) -> None:
    platform.campaigns["7"]["kind"] = "VIDEO"
    platform.campaigns["8"] = {"account": "11", "name": "Eight", "kind": None}
    report = books.load(platform, channels={"VIDEO": "Video", "video": "Films", "SEARCH": "Search"})
    assert report.warnings == ("channels: no campaign is of kind SEARCH, video; there are: VIDEO",)


def test_a_campaign_that_is_listed_no_more_is_deleted_and_its_days_stay(
    books: Books, platform: Platform
) -> None:
    platform.campaigns["8"] = {"account": "11", "name": "Eight"}
    books.load(platform)
    del platform.campaigns["7"]
    assert counts(books.load(platform)) == {"campaigns": (0, 0, 1)}
    assert len(books.latest("campaign_days")) == 60


def test_a_long_reading_is_recorded_though_it_finds_nothing(
    books: Books, platform: Platform
) -> None:
    platform.now = dt.datetime(2026, 3, 5)
    books.load(platform)
    days = []
    for _ in range(9):
        _next_day(platform)
        platform.requests.clear()
        assert counts(books.load(platform)) == {}
        days.append(platform.requests[0][2].days)
    # The loads between found nothing, so none is on record: the window begins where it did.
    assert days == [32, 33, 34, 35, 36, 37, 98, 32, 33]


def test_accounts_are_named_as_people_write_them() -> None:
    source = source_with(accounts=["730-100-0001", "act_2301000001", 508000001])
    assert source.accounts == ("7301000001", "2301000001", "508000001")
    for wrong in ("my account", "", True, "12a"):
        with pytest.raises(ValueError, match="is not the id of an account"):
            source_with(accounts=[wrong])
    with pytest.raises(ValueError, match="names no account: leave it out"):
        source_with(accounts=[])
    with pytest.raises(ValueError, match="'11' is named twice"):
        source_with(accounts=["11", "1-1"])
    with pytest.raises(ValueError, match="restated_days_weekly is 20, less than the 30"):
        source_with(restated_days_weekly=20)


def test_a_new_account_of_which_no_day_is_told_is_warned_of_once(
    books: Books, platform: Platform
) -> None:
    platform.accounts.append(COAST)
    platform.campaigns["8"] = {"account": "22", "name": "Coast"}
    [warning] = books.load(platform).warnings
    assert warning.startswith(
        "account 22 has campaigns (1) and no figures of any day, 2023-03-02 to 2026-03-01: see "
        "whether they have run; if so, "
    )
    assert books.load(platform).warnings == ()


def test_an_account_without_access_names_the_remedy(books: Books, platform: Platform) -> None:
    with pytest.raises(SourceError) as refused:
        books.load(platform, accounts=["11", "99"])
    assert str(refused.value) == (
        "source ads: accounts: the access shows no account 99; it shows 11. See whether each id is "
        "right, and invite the test"
    )
    platform.accounts.clear()
    with pytest.raises(SourceError, match="source ads: the access shows no account: invite the"):
        books.load(platform)
    assert books.check(platform).problems == (
        "source ads: the access shows no account: invite the test",
    )


def test_an_account_that_is_closed_is_not_read_and_told_of(
    books: Books, platform: Platform
) -> None:
    books.load(platform)
    platform.accounts = [replace(MAIN, status="CANCELLED", is_readable=False), COAST]
    platform.days.clear()
    assert books.load(platform).warnings == (
        "account 11 is not read, for it is CANCELLED; its days stay as they were on 2026-03-01",
    )
    assert len(books.latest("campaign_days")) == 60
    assert books.latest("accounts")["11"]["status"] == "CANCELLED"
    # Where it is the only one, the company's other sources are read all the same.
    platform.accounts.pop()
    assert [it.split(",")[0] for it in books.load(platform).warnings] == [
        "account 11 is not read",
        "account 22 is not read any more",
    ]
    assert len(books.latest("campaign_days")) == 60
    assert books.check(platform).problems == ()


def test_days_that_have_not_come_are_not_wanted(books: Books, platform: Platform) -> None:
    with pytest.raises(SourceError, match="since: 2026-03-03 has not come in account 11"):
        books.load(platform, since="2026-03-03")
    platform.accounts.append(COAST)
    platform.now = dt.datetime(2026, 3, 2, 5)
    [problem] = books.check(platform, since="2026-03-03").problems
    assert "since: 2026-03-03 has not come in account 22, whose day is 2026-03-01" in problem


def test_an_account_whose_day_is_still_the_one_before_waits(
    books: Books, platform: Platform
) -> None:
    """At 5 on 2 March, in UTC, it is 1 March in Los Angeles: nothing is read, until it is not."""
    platform.accounts.append(COAST)
    platform.spend("7", "2026-03-02", "4")
    platform.spend("8", "2026-03-01", "1", account="22")
    platform.spend("8", "2026-03-02", "2", account="22")
    platform.now = dt.datetime(2026, 3, 2, 5)
    assert books.check(platform, since="2026-03-02").problems == ()
    platform.requests.clear()
    assert books.load(platform, since="2026-03-02").warnings == ()
    assert {account for _, account, _ in platform.requests} == {"11"}
    assert books.latest("campaign_days").keys() == {"11/7/2026-03-02"}
    assert books.latest("campaigns").keys() == {"7"}
    platform.now = dt.datetime(2026, 3, 2, 9)
    assert books.load(platform, since="2026-03-02").warnings == ()
    assert books.latest("campaign_days").keys() == {"11/7/2026-03-02", "22/8/2026-03-02"}
    assert books.latest("campaigns").keys() == {"7", "8"}


def test_a_check_asks_for_yesterday(books: Books, platform: Platform) -> None:
    assert books.check(platform).problems == ()
    yesterday = Window(dt.date(2026, 2, 28), dt.date(2026, 2, 28))
    assert platform.requests == [("campaign_days", "11", yesterday)]


def test_where_one_report_fails_no_other_begins_and_nothing_is_loaded(
    books: Books, platform: Platform
) -> None:
    stopped = []

    class Failing(FakeReader):
        def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
            raise SourceError("the report failed")

        def stop(self) -> None:
            stopped.append(True)

    with pytest.raises(SourceError, match="the report failed"):
        books.load(platform, reader=Failing)
    assert stopped == [True]
    assert not Path(books.warehouse.location).exists()


def test_progress_is_told_account_by_account(books: Books, platform: Platform) -> None:
    platform.page = 1
    books.load(platform)
    assert "ads: reading campaigns' days of account 11, 2023-03-02 to 2026-03-01" in books.messages
    assert any(message.endswith("2026-03-01: 50") for message in books.messages)


def test_ads_of_one_id_in_two_groups_are_two(books: Books, platform: Platform) -> None:
    """Google's ads have ids of their own in their group alone."""

    class Grouped(FakeReader):
        def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
            row = {"campaign": "7", "ad": "70", "day": "2026-02-10", "spend": "4"}
            yield [{**row, "ad_group": f"{n}", "ad_group_name": f"Group {n}"} for n in (1, 2)]

    books.load(platform, reader=Grouped)
    names = {id: ad["ad_group_name"] for id, ad in books.latest("ads").items()}
    assert names == {"11/7/1/70": "Group 1", "11/7/2/70": "Group 2"}


def test_money_in_an_unknown_currency_is_no_money_of_the_company(
    books: Books, platform: Platform
) -> None:
    platform.accounts = [replace(MAIN, currency="")]
    with pytest.raises(MalformedAnswerError, match="tells no currency of account 11"):
        books.load(platform)


def test_closed_accounts_that_nobody_has_read_are_told(books: Books, platform: Platform) -> None:
    closed = [replace(MAIN, id=id, status="CLOSED", is_readable=False) for id in ("33", "34")]
    platform.accounts += closed
    told = (
        "accounts that are CLOSED are not read, and what they ever spent is in no number: 33, 34. "
        "To hear no more of them, name those to read as `accounts`",
    )
    assert books.load(platform).warnings == told
    assert books.load(platform).warnings == told
    assert books.load(platform, accounts=["11"]).warnings == ()


def test_few_days_that_are_told_no_more_are_told_of(books: Books, platform: Platform) -> None:
    platform.accounts.append(COAST)
    for day in range(1, 6):
        platform.spend("8", f"2026-02-{day:02}", account="22")
    books.load(platform)
    for key in [key for key in platform.days if key[0] == "22"]:
        del platform.days[key]
    del platform.campaigns["8"]
    assert books.load(platform).warnings == (
        "account 22, all days: of 1 known campaigns only 0 are told now. The others count as "
        "deleted; see whether they are",
        "account 22, 2026-01-30 to 2026-03-01: of 5 known days of campaigns only 0 are told now. "
        "The others count as deleted; see whether they are",
    )


def test_new_days_make_up_for_none_that_are_lost(books: Books, platform: Platform) -> None:
    """After a gap most days of the window are new, and known ones may be lost unseen."""
    books.load(platform)
    platform.days.clear()
    for age in range(60):
        platform.spend("7", str(NOON.date() + dt.timedelta(days=age + 1)))
    _next_day(platform, 60)
    with pytest.raises(SourceError, match="the list has 0 known records, the last one had 60"):
        books.load(platform)
