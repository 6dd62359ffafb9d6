"""What is asked of Google Ads, and how its answers are read: accounts, campaigns, days and ads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import pytest
from google_advertiser import PATIENCE, SECRETS, Written
from starlette.responses import Response
from written_google import MANAGER, Question, WrittenAccount, answer, error, failure, stream

from ingestion.errors import SourceError
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account, Row
from ingestion.sources.google_ads import reader as module
from ingestion.sources.google_ads.reader import GoogleAdsReader
from ingestion.sources.google_ads.settings import GoogleAdsSource

ID = "7301000001"
DAY = dt.date(2026, 3, 1)
ACCOUNT = Account(ID, "Main", "USD", "UTC")


def source(written: Written, keys: str | None = None) -> GoogleAdsSource:
    return cast(GoogleAdsSource, written.company(keys).sources[0])


def reader(written: Written, keys: str | None = None) -> GoogleAdsReader:
    return GoogleAdsReader(source(written, keys), PATIENCE)


def rows(pages: Iterator[Sequence[Row]]) -> list[Row]:
    return [row for page in pages for row in page]


def once(response: Response) -> Iterator[Response | None]:
    """A response, and then none."""
    yield response
    while True:
        yield None


@pytest.fixture
def main(written: Written) -> WrittenAccount:
    """An account with a campaign and a day of it."""
    account = written.google.account(ID)
    account.campaign("11", "Brand")
    account.spent("11", "2026-03-01", cost=4.5, impressions=120, clicks=3, conversions=1.5)
    return account


def test_each_request_says_who_asks_and_through_whom(written: Written, main: object) -> None:
    rows(reader(written).campaigns(ACCOUNT))
    [asked] = written.google.questions
    assert asked.path == f"/v26/customers/{ID}/googleAds:searchStream"
    assert asked.headers["authorization"] == "Bearer ya29.token-1"
    assert asked.headers["login-customer-id"] == MANAGER
    assert asked.headers["developer-token"] == SECRETS["GOOGLE_ADS_DEVELOPER_TOKEN"]


def test_a_developer_token_is_not_needed(
    written: Written, main: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_ADS_DEVELOPER_TOKEN")
    rows(reader(written).campaigns(ACCOUNT))
    [asked] = written.google.questions
    assert "developer-token" not in asked.headers


def test_accounts_are_the_leaves_below_the_manager_at_whatever_depth(written: Written) -> None:
    written.google.account(ID)
    written.google.account("7309000000", manager=True, level="1")
    written.google.account("7301000002", "EUR", "America/Los_Angeles", level="2")
    written.google.account("7301000003", status="CANCELED")
    listing = reader(written).listing()
    assert listing.at == dt.datetime(2026, 3, 20, 12)
    assert [it.id for it in listing.accounts] == [ID, "7301000002", "7301000003"]
    west = Account(
        "7301000002", "Account 7301000002", "EUR", "America/Los_Angeles", "ENABLED", MANAGER
    )
    assert listing.accounts[1] == west
    assert [it.is_readable for it in listing.accounts] == [True, True, False]


def test_without_a_manager_accounts_are_those_the_user_was_added_to(written: Written) -> None:
    google = written.google
    google.account(ID)
    google.account("7301000003")
    google.direct = [ID, MANAGER, "7301000003"]
    google.instead = lambda asked: (
        failure(403, "authorizationError", "CUSTOMER_NOT_ENABLED", "It was deactivated.")
        if "/7301000003/" in asked.path
        else None
    )
    accounts = reader(written, "since: 2026-01-01").listing().accounts
    assert [(it.id, it.currency, it.is_readable) for it in accounts] == [
        (ID, "USD", True), ("7301000003", "", False)
    ]  # fmt: skip
    assert {it.headers.get("login-customer-id") for it in google.questions} == {None}


def test_a_manager_that_is_not_named_as_one_is_told(written: Written) -> None:
    with pytest.raises(SourceError, match=rf"write `manager: {MANAGER}` under the source"):
        reader(written, "since: 2026-01-01").listing()


@pytest.mark.parametrize("keys", [f"manager: {MANAGER}", "since: 2026-01-01"])
def test_a_manager_among_accounts_is_told_with_what_to_write_instead(
    written: Written, keys: str
) -> None:
    below = "7300000077"
    written.google.account(ID)
    written.google.account(below, manager=True)
    written.google.direct = [ID, below]
    with pytest.raises(SourceError) as error:
        reader(written, f"{keys}\n    accounts: [{ID}, {below}]").listing()
    assert str(error.value) == (
        f"source google: accounts: {below} is a manager account, which has no figures of its own; "
        "write the ids of the accounts below it, or, to read them all, "
        f"`manager: {below}` and no `accounts`"
    )


def test_a_campaign_is_read_whatever_its_state(written: Written, main: WrittenAccount) -> None:
    main.campaign(
        "12", "Sale", status="REMOVED", advertisingChannelType="PERFORMANCE_MAX",
        startDateTime="2025-11-01 00:00:00", endDateTime="2025-11-30 23:59:59",
    )  # fmt: skip
    main.campaign("13", "Old", endDateTime="2037-12-30 23:59:59")
    main.budgets["11"] = {"amountMicros": "50000000", "resourceName": "b"}
    main.budgets["12"] = {"totalAmountMicros": "1234567", "resourceName": "b"}
    brand, sale, old = rows(reader(written).campaigns(ACCOUNT))
    assert sale == {
        "source_id": "12", "name": "Sale", "status": "REMOVED", "kind": "PERFORMANCE_MAX",
        "started_on": "2025-11-01", "ended_on": "2025-11-30",
        "budget": "1.234567", "daily_budget": None,
    }  # fmt: skip
    assert (brand["budget"], brand["daily_budget"]) == (None, "50.000000")
    assert (brand["started_on"], brand["ended_on"], old["ended_on"]) == (None, None, None)


def test_figures_that_are_left_out_are_zero_and_micros_are_exact(
    written: Written, main: WrittenAccount
) -> None:
    main.spent("11", "2026-03-02", cost=-0.000001)
    main.spent("11", "2026-03-03", clicks=1)
    main.campaign_days["11", "2026-03-04"] = {"costMicros": "123456789012345678"}
    window = Window(DAY, DAY + dt.timedelta(days=3))
    first, credit, click, large = rows(reader(written).campaign_days(ACCOUNT, window))
    assert first == {
        "campaign": "11", "day": "2026-03-01", "spend": "4.500000", "impressions": "120",
        "clicks": "3", "conversions": 1.5, "conversion_value": 0,
    }  # fmt: skip
    assert (credit["spend"], credit["clicks"], credit["conversions"]) == ("-0.000001", "0", 0)
    assert (click["spend"], click["clicks"]) == ("0.000000", "1")
    assert large["spend"] == "123456789012.345678"


def test_an_ad_has_its_group_and_names(written: Written, main: WrittenAccount) -> None:
    main.spent("11", "2026-03-01", "501", cost=2)
    [row] = rows(reader(written).ad_days(ACCOUNT, Window(DAY, DAY)))
    names = "campaign", "ad_group", "ad_group_name", "ad", "name"
    assert [row[name] for name in names] == ["11", "9", "Nine", "501", None]


def test_a_month_is_one_question_and_years_are_few(written: Written, main: WrittenAccount) -> None:
    google, day = written.google, dt.date(2026, 3, 31)
    rows(reader(written).campaign_days(ACCOUNT, Window(DAY, day)))
    assert [it.days for it in google.questions] == [("2026-03-01", "2026-03-31")]
    google.questions.clear()
    rows(reader(written).ad_days(ACCOUNT, Window(DAY, day)))
    assert [_length(it) for it in google.questions] == [7, 14, 10]
    google.questions.clear()
    found = rows(reader(written).campaign_days(ACCOUNT, Window(dt.date(2023, 4, 1), day)))
    assert len(found) == 1
    assert len(google.questions) < 15
    assert max(map(_length, google.questions)) == 92
    assert_follow_one_another(google.questions, "2023-04-01", "2026-03-31")


def test_large_answers_are_followed_by_shorter_questions(
    written: Written, main: WrittenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [str(DAY + dt.timedelta(days=n)) for n in range(-100, 31)]
    for day in days:
        main.spent("11", day, cost=1)
    monkeypatch.setattr(module, "FEW_ROWS", 4)
    monkeypatch.setattr(module, "MANY_ROWS", 8)
    window = Window(dt.date.fromisoformat(days[0]), dt.date.fromisoformat(days[-1]))
    found = rows(reader(written).campaign_days(ACCOUNT, window))
    assert sorted(row["day"] for row in found) == days
    asked = written.google.questions
    assert_follow_one_another(asked, days[0], days[-1])
    lengths = [_length(it) for it in asked]
    assert lengths[:3] == [31, 15, 7]
    assert set(lengths[2:-1]) == {7}


def _length(asked: Question) -> int:
    assert asked.days
    first, last = map(dt.date.fromisoformat, asked.days)
    return (last - first).days + 1


def assert_follow_one_another(questions: Sequence[Question], first: str, last: str) -> None:
    """The days that were asked for are all from the first to the last, each once."""
    ranges = [tuple(map(dt.date.fromisoformat, it.days or ())) for it in questions]
    assert (str(ranges[0][0]), str(ranges[-1][1])) == (first, last)
    for before, after in pairwise(ranges):
        assert after[0] - before[1] == dt.timedelta(days=1)


@pytest.mark.parametrize(
    "broken",
    [
        stream([{"campaign": {"id": "11"}}], [error(500, "internalError", "INTERNAL_ERROR", "!")]),
        Response(b'[{"results": [{"campaign": {"id": "1', media_type="application/json"),
        answer({"results": [{"campaign": {"id": "11"}}]}),
        failure(429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", "Too many requests."),
        failure(503, "internalError", "TRANSIENT_ERROR", "Try again."),
        Response(b"<html>Bad gateway</html>", 502),
    ],
    ids=["ends_in_an_error", "ends_early", "is_no_stream", "too_many", "transient", "gateway"],
)
def test_an_answer_that_is_not_whole_is_asked_for_again(
    written: Written, main: WrittenAccount, broken: Response
) -> None:
    responses = once(broken)
    written.google.instead = lambda asked: next(responses)
    assert [row["name"] for row in rows(reader(written).campaigns(ACCOUNT))] == ["Brand"]
    assert len(written.google.questions) == 2


def test_a_stream_that_always_ends_in_an_error_is_no_answer(
    written: Written, main: WrittenAccount
) -> None:
    broken = stream([{"campaign": {"id": "11"}}], [error(500, "internalError", "OTHER", "!")])
    written.google.instead = lambda asked: broken
    with pytest.raises(SourceError, match="no good answer in 20 attempts"):
        rows(reader(written).campaigns(ACCOUNT))


def test_an_answer_without_results_is_one(written: Written, main: WrittenAccount) -> None:
    written.google.instead = lambda asked: answer([])
    assert rows(reader(written).campaigns(ACCOUNT)) == []


def test_a_token_that_expires_is_renewed_once(written: Written, main: WrittenAccount) -> None:
    written.google.token_requests = 2
    reading = reader(written)
    for _ in range(5):
        rows(reading.campaigns(ACCOUNT))
    assert written.google.tokens == 3
    assert len(written.google.questions) == 5 + 2


def test_a_token_that_was_never_good_is_not_renewed(written: Written, main: WrittenAccount) -> None:
    refusal = failure(401, "authenticationError", "OAUTH_TOKEN_INVALID", "Not valid.")
    written.google.instead = lambda asked: refusal
    with pytest.raises(SourceError, match=r"401: OAUTH_TOKEN_INVALID: Not valid\.; sign in again"):
        rows(reader(written).campaigns(ACCOUNT))
    assert (written.google.tokens, len(written.google.questions)) == (1, 1)


def test_the_server_of_tokens_is_asked_again_where_it_fails(
    written: Written, main: WrittenAccount
) -> None:
    responses = once(Response(b"", 503))
    written.google.instead_of_tokens = lambda: next(responses)
    assert rows(reader(written).campaigns(ACCOUNT))
    assert written.google.tokens == 2


def test_once_stopped_nothing_is_asked(written: Written, main: WrittenAccount) -> None:
    reading = reader(written)
    reading.stop()
    with pytest.raises(SourceError, match="stopped, since another request failed"):
        rows(reading.campaigns(ACCOUNT))
    assert (written.google.tokens, written.google.questions) == (0, [])


def test_no_day_is_asked_for_that_google_no_longer_has(written: Written) -> None:
    earliest = reader(written).earliest(dt.date(2026, 3, 31))
    assert dt.date(2023, 3, 1) <= earliest <= dt.date(2023, 3, 31)


def test_another_version_of_the_api_is_asked_as_company_yml_says(
    written: Written, main: WrittenAccount
) -> None:
    written.google.instead = lambda asked: answer([])
    client = GoogleAdsReader(
        source(written).model_copy(update={"version": "v27"}), replace(PATIENCE, attempts=1)
    )
    rows(client.campaigns(ACCOUNT))
    assert written.google.questions[0].path.startswith("/v27/customers/")
