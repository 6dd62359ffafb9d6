"""Meta's own SDK reads the sandbox, and gets the records that the connector loads."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

pytest.importorskip(
    "facebook_business", reason="the vendors' SDKs are not installed: make referees"
)
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession
from meta_types import error_misfits, misfits, page_misfits, refusals

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.meta_ads import questions
from ingestion.sandbox.systems.meta_ads.api import MetaAdsApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from ingestion.sandbox.world.calendar import START
from tests.advertiser import Advertiser, Row
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.thorough import thorough
from tests.wire import overheard

TOKEN = "EAAsecretofthetest"
VERSION = "v26.0"
WINDOWS = ["1d_click", "7d_click", "28d_click", "1d_view"]
STATUSES = ["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"]
AD_STATUSES = [*STATUSES, "CAMPAIGN_PAUSED", "ADSET_PAUSED"]
SEEN = ("campaign_id", "spend", "impressions", "clicks", "actions", "action_values")
ACCOUNTS = [account for account in AD_ACCOUNTS if account.platform == "meta_ads"]
SINCE = f"    since: {START}\n"
"""Nothing was before the world."""
SEEDS = [1, *(pytest.param(seed, marks=thorough) for seed in (2, 3))]


@pytest.fixture(scope="module", params=SEEDS)
def grown_world(request: pytest.FixtureRequest) -> World:
    """A third of a year of a small company."""
    world = World.found(seed=request.param, scale=0.1)
    world.advance(110)
    return world


@pytest.fixture
def account(
    grown_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Advertiser]:
    """A company that reads the world's accounts behind a server that behaves."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("META_ADS_ACCESS_TOKEN", TOKEN)
    api = MetaAdsApi(copy.deepcopy(grown_world), TOKEN)
    with serving(api) as url:
        yield Advertiser("meta_ads", url, TOKEN, api, tmp_path, SINCE)


@pytest.fixture
def sdk(account: Advertiser, monkeypatch: pytest.MonkeyPatch) -> FacebookAdsApi:
    """The SDK, led to the sandbox."""
    return led(account, monkeypatch, TOKEN)


def led(account: Advertiser, monkeypatch: pytest.MonkeyPatch, token: str) -> FacebookAdsApi:
    monkeypatch.setattr(FacebookSession, "GRAPH", account.url)
    return FacebookAdsApi(FacebookSession(access_token=token, timeout=20))


class Readings:
    """The accounts as the SDK reads them: what raw should have of each table."""

    def __init__(self, sdk: FacebookAdsApi) -> None:
        self._sdk = sdk
        fields = ["account_id", "name", "currency", "timezone_name", "account_status"]
        self._accounts = list(User("me", api=sdk).get_ad_accounts(fields=fields))

    def accounts(self) -> dict[str, Row]:
        """Id, currency and zone."""
        return {
            it["account_id"]: {
                "name": it["name"], "currency": it["currency"], "timezone": it["timezone_name"],
            }
            for it in self._accounts
        }  # fmt: skip

    def campaigns(self) -> dict[str, Row]:
        """Names, kinds and budgets, archived ones included."""
        fields = ["name", "objective", "effective_status", "lifetime_budget"]
        found: dict[str, Row] = {}
        for account in self._accounts:
            params = {"effective_status": STATUSES, "limit": 10}
            for it in account.get_campaigns(fields=fields, params=params):
                found[it["id"]] = {
                    "account": account["account_id"], "name": it["name"],
                    "kind": it["objective"], "status": it["effective_status"],
                    "budget": Decimal(it["lifetime_budget"]) / 100,
                    "currency": account["currency"],
                }  # fmt: skip
        return found

    def days(self, level: str, since: dt.date, until: dt.date) -> dict[str, Row]:
        """What each campaign or ad came to on each day, as reports that are awaited tell it."""
        found: dict[str, Row] = {}
        for account in self._accounts:
            for it in self.report(account, level, since, until):
                key = [account["account_id"], it["campaign_id"]]
                if level == "ad":
                    key += [it["adset_id"], it["ad_id"]]
                id = "/".join([*key, it["date_start"]])
                assert id not in found
                found[id] = figures(it, {} if level == "campaign" else {"lead": "0"})
        return found

    def report(
        self, account: AdAccount, level: str, since: dt.date, until: dt.date
    ) -> list[AdsInsights]:
        """The rows of a report; one that fails is asked for again."""
        params = {
            "level": level,
            "time_increment": 1,
            "time_range": {"since": f"{since}", "until": f"{until}"},
            "action_attribution_windows": WINDOWS,
            "filtering": [
                {
                    "field": f"{level}.effective_status",
                    "operator": "IN",
                    "value": AD_STATUSES if level == "ad" else STATUSES,
                }
            ],
        }
        fields = [*SEEN, *(("adset_id", "ad_id") if level == "ad" else ())]
        for _ in range(3):
            asked = account.get_insights(fields=fields, params=dict(params), is_async=True)
            run = AdReportRun(asked["report_run_id"], api=self._sdk).api_get()
            while run["async_status"] not in ("Job Completed", "Job Failed"):
                run = run.api_get()
            if run["async_status"] == "Job Completed":
                return list(run.get_insights(params={"limit": 100}))
        raise AssertionError("the report failed three times")


def figures(it: Any, absent: dict[str, str]) -> Row:
    """A row's figures as raw has them; `absent`: leads where no action is told."""
    leads = [action for action in it.get("actions", []) if action["action_type"] == "lead"]
    values = [action for action in it.get("action_values", []) if action["action_type"] == "lead"]
    by_window = {
        window: sum(Decimal(lead.get(window, "0")) for lead in leads) if leads or absent else None
        for window in WINDOWS
    }
    return {
        "spend": Decimal(it["spend"]), "impressions": int(it["impressions"]),
        "clicks": int(it["clicks"]),
        **{f"conversions_{window}": count for window, count in by_window.items()},
        "conversions": sum(Decimal(lead["value"]) for lead in leads) if leads or absent else None,
        "conversion_value": sum(Decimal(value["value"]) for value in values)
        if values or absent
        else None,
    }  # fmt: skip


def assert_same_records(account: Advertiser, sdk: FacebookAdsApi) -> None:
    """Raw has what the SDK reads, value by value, and nothing else that is not deleted."""
    world = account.api.world
    read = Readings(sdk)
    since, until = (world.now - dt.timedelta(days=400)).date(), world.now.date()
    until += dt.timedelta(days=1)
    expected = {
        "accounts": read.accounts(),
        "campaigns": read.campaigns(),
        "campaign_days": read.days("campaign", since, until),
        "ad_days": read.days("ad", since, until),
    }
    for table, rows in expected.items():
        found = account.raw(table)
        assert found.keys() == rows.keys(), table
        for id, row in rows.items():
            assert {name: found[id][name] for name in row} == row, (table, id)


def test_sdk_and_connector_read_the_same_records(account: Advertiser, sdk: FacebookAdsApi) -> None:
    account.sync()
    assert_same_records(account, sdk)
    rows = Counter({table: len(account.raw(table)) for table in ("campaign_days", "ad_days")})
    assert min(rows.values()) > 100, rows
    unknown = [row for row in account.raw("campaign_days").values() if row["conversions"] is None]
    assert unknown, "no campaign lacks the leads that its ads have"
    assert len({row["account"] for row in account.raw("ad_days").values()}) == len(ACCOUNTS)


def test_sdk_and_connector_read_the_same_records_after_each_increment(
    account: Advertiser, sdk: FacebookAdsApi
) -> None:
    account.sync()
    for days in (1, 6, 1):
        account.pass_days(days)
        account.sync()
        assert_same_records(account, sdk)


def test_sdk_and_connector_read_the_same_records_after_faults(
    account: Advertiser, sdk: FacebookAdsApi
) -> None:
    for seed in range(2):
        account.api.faults = replace(
            ALL_AT_ONCE, drift={}, seed=seed, failed_reports=1, report_rows=120
        )
        account.sync()
        account.pass_days()
    account.api.faults = Faults()
    account.sync()
    assert_same_records(account, sdk)


def test_every_answer_is_as_metas_types_have_it(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
    shown, wrong = Counter[str](), Counter[str]()
    for it in heard:
        assert it.status == 200, it.path
        node, _, edge = it.path.removeprefix(f"/{VERSION}/").partition("/")
        cls = {
            "adaccounts": AdAccount,
            "campaigns": Campaign,
            "insights": AdsInsights,
        }.get(edge, AdReportRun if node.isdigit() else AdAccount)
        if it.method == "POST":
            problems = [] if it.told.keys() == {"report_run_id"} else [f"POST: {it.told}"]
        elif edge:
            problems = page_misfits(it.told, cls)
            shown[cls.__name__] += len(it.told["data"])
        else:
            problems = misfits(it.told, cls)
            shown[cls.__name__] += 1
        wrong.update(problems)
    assert not wrong, wrong.most_common(20)
    assert {"AdAccount", "Campaign", "AdsInsights", "AdReportRun"} <= {*shown}, shown


def test_the_connector_asks_for_nothing_that_metas_sdk_does_not_know(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
        account.pass_days()
        account.sync()
    wrong = Counter(
        problem
        for it in heard
        for problem in refusals(it.method, it.path.removeprefix(f"/{VERSION}/"), _texts(it.given))
    )
    assert not wrong, wrong.most_common(20)
    asked = {(it.method, it.path.rpartition("/")[2]) for it in heard}
    assert {("POST", "insights"), ("GET", "insights"), ("GET", "adaccounts")} <= asked


def _texts(given: dict[str, Any]) -> dict[str, str]:
    """Values as a form would send them; JSON has lists and numbers of its own."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()
    }


def test_the_connector_never_sends_its_token_in_an_address(
    account: Advertiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "PAGE_LIMIT", 40)
    with overheard() as heard:
        account.sync()
    assert not [it.path for it in heard if TOKEN in it.url]
    assert not [it.path for it in heard if TOKEN.encode() in it.body]
    told = [it.told.get("paging", {}) for it in heard if TOKEN.encode() in it.answer]
    led_on = [paging["next"] for paging in told if "next" in paging]
    assert led_on, "no answer leads to a next page with the token"
    assert requests.get(led_on[0], timeout=10).json()["data"]


def refusal(call: Any) -> FacebookRequestError:
    with pytest.raises(FacebookRequestError) as refused:
        call()
    assert error_misfits(refused.value.body()) == []
    found: FacebookRequestError = refused.value
    return found


def test_errors_arrive_as_the_sdks_own(
    account: Advertiser, sdk: FacebookAdsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, second] = [AdAccount(f"act_{it.id}", api=sdk) for it in ACCOUNTS]

    def ask(of: AdAccount, **more: Any) -> Callable[[], object]:
        params = {"level": "campaign", **more}
        return lambda: of.get_insights(fields=["spend"], params=params)

    wrong = led(account, monkeypatch, "EAAwrong")
    refused = refusal(lambda: User("me", api=wrong).get_ad_accounts())
    assert (refused.api_error_code(), refused.api_error_type()) == (190, "OAuthException")
    account.api.faults = Faults(forbidden=(ACCOUNTS[0].id,))
    refused = refusal(ask(first))
    assert refused.api_error_code() in (200, 10), refused.api_error_code()
    assert [it["account_id"] for it in User("me", api=sdk).get_ad_accounts()] == [ACCOUNTS[1].id]
    refused = refusal(ask(second, action_attribution_windows=["7d_view"]))
    assert (refused.http_status(), refused.api_error_code()) == (400, 100)
    refused = refusal(lambda: second.get_insights(fields=["cost"]))
    assert (refused.http_status(), refused.api_error_code()) == (400, 100)
    account.api.faults = Faults(rate_limited=1.0)
    refused = refusal(ask(second))
    assert refused.http_status() in (400, 403)
    assert refused.api_error_code() in (4, 17, 32, 613, 80000, 80004)
    assert "x-business-use-case-usage" in {name.lower() for name in refused.http_headers()}
    account.api.faults = Faults(server_error=1.0)
    assert refusal(ask(second)).http_status() >= 500


def test_a_token_that_expires_arrives_as_the_sdks_error(
    account: Advertiser, sdk: FacebookAdsApi
) -> None:
    account.api.faults = Faults(token_requests=1)
    assert len(User("me", api=sdk).get_ad_accounts()) == len(ACCOUNTS)
    refused = refusal(lambda: User("me", api=sdk).get_ad_accounts())
    assert refused.api_error_code() == 190
    assert refused.api_error_subcode() == 463


def test_too_much_data_is_refused_as_meta_does(account: Advertiser, sdk: FacebookAdsApi) -> None:
    today = account.api.world.now.date()
    days = {"since": f"{today - dt.timedelta(days=30)}", "until": f"{today}"}
    account.api.faults = Faults(report_rows=5)
    own = AdAccount(f"act_{ACCOUNTS[0].id}", api=sdk)
    refused = refusal(
        lambda: own.get_insights(
            fields=["spend"],
            params={"level": "ad", "time_increment": 1, "time_range": days},
            is_async=True,
        )
    )
    assert (refused.http_status(), refused.api_error_code()) == (500, 1)
    assert "reduce the amount of data" in refused.api_error_message()
