"""The sandbox's Meta tells what is in the world, as Meta does, and refuses what Meta refuses."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.meta_ads import actions, questions
from ingestion.sandbox.systems.meta_ads.api import MetaAdsApi
from ingestion.sandbox.systems.meta_ads.books import AD_STATUSES, CAMPAIGN_STATUSES
from ingestion.sandbox.world import World
from ingestion.sandbox.world.advertising import credit, creditable
from ingestion.sandbox.world.calendar import HOUR
from ingestion.sandbox.world.schema import NONE, NULL_DAY, PLATFORMS

TOKEN = "EAAsecretofthetest"
ACCOUNTS = ("2301000001", "2301000002")
DAYS = 400
EVER = {"since": "2023-01-01", "until": "2024-02-04"}
FIGURES = ["spend", "impressions", "clicks", "actions", "action_values"]
ALL_ADS = [{"field": "ad.effective_status", "operator": "IN", "value": list(AD_STATUSES)}]
WINDOWS = list(actions.WINDOWS)

Document = dict[str, Any]
Key = tuple[str, ...]


@pytest.fixture(scope="module")
def world() -> World:
    """A small company that has advertised for 400 days."""
    grown = World.found(seed=5, scale=0.1)
    grown.advance(DAYS)
    campaigns = grown.state["campaigns"]
    last = np.flatnonzero(campaigns["platform"] == PLATFORMS.index("meta_ads"))[-1]
    campaigns["ended_on"][last] = NULL_DAY
    rows = creditable(grown.state, grown.state.day)
    ours = rows[grown.state["spend_daily"]["platform"][rows] == PLATFORMS.index("meta_ads")]
    credit(grown.state, int(ours[0]), 40, grown.state.now - HOUR)
    return grown


@pytest.fixture(scope="module")
def later() -> World:
    """The same company four weeks later."""
    grown = World.found(seed=5, scale=0.1)
    grown.advance(DAYS + 30)
    return grown


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[tuple[MetaAdsApi, str]]:
    api = MetaAdsApi(world, TOKEN)
    with serving(api) as url:
        yield api, url


@pytest.fixture
def api(served: tuple[MetaAdsApi, str], world: World) -> MetaAdsApi:
    """The server, well behaved, with the world as it was."""
    served[0].faults = Faults()
    served[0].show(world)
    served[0].requests.clear()
    return served[0]


class Client:
    """Asks the API over plain HTTP, the token in the header."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **params: object) -> requests.Response:
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        where: Document = {"params" if method == "GET" else "data": texts}
        return self.session.request(method, f"{self.url}/v26.0/{path}", timeout=10, **where)

    def get(self, path: str, **params: object) -> Document:
        """An answer that is one."""
        answer = self.ask("GET", path, **params)
        assert answer.status_code == 200, answer.text
        found: Document = answer.json()
        return found

    def error(self, path: str, method: str = "GET", **params: object) -> tuple[int, Document]:
        """The status and the error of an answer that is none."""
        answer = self.ask(method, path, **params)
        return answer.status_code, answer.json()["error"]

    def all(self, path: str, **params: object) -> list[Document]:
        """All pages of a list, by `after`."""
        found: list[Document] = []
        while True:
            page = self.get(path, **params)
            found += page["data"]
            if "next" not in page.get("paging", {}):
                return found
            params["after"] = page["paging"]["cursors"]["after"]

    def report(self, node: str, **params: object) -> str:
        """A report that is asked for."""
        answer = self.ask("POST", f"{node}/insights", **params)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["report_run_id"])

    def finished(self, run: str) -> list[tuple[str, int]]:
        """What is told of a report until it ends."""
        told: list[tuple[str, int]] = []
        while not told or told[-1][0] not in ("Job Completed", "Job Failed"):
            document = self.get(run)
            told.append((document["async_status"], document["async_percent_completion"]))
        return told

    def insights(self, node: str, level: str, **params: object) -> list[Document]:
        """The rows of a report by day, of all time unless told otherwise."""
        asked = {"time_range": EVER, "time_increment": 1, "level": level, **params}
        asked.setdefault("fields", [f"{level}_id", "campaign_id", *FIGURES])
        run = self.report(node, **asked)
        assert self.finished(run)[-1] == ("Job Completed", 100)
        return self.all(f"{run}/insights", limit=200)

    def both(self, level: str, **params: object) -> list[Document]:
        """The rows of both accounts."""
        return [row for a in ACCOUNTS for row in self.insights(f"act_{a}", level, **params)]


@pytest.fixture
def client(served: tuple[MetaAdsApi, str], api: MetaAdsApi) -> Client:
    return Client(served[1])


def told(world: World) -> list[Document]:
    """The world's own table of spend: what stands of Meta, with the world's ads."""
    rows = world.table("spend_daily").to_pylist()
    ads = world.state["spend_daily"]["ad"].tolist()
    return [
        {**row, "ad_row": ad}
        for row, ad in zip(rows, ads, strict=True)
        if row["platform"] == "meta_ads" and not row["is_deleted"]
    ]


def sums(rows: list[Document], *by: str) -> dict[Key, Counter[str]]:
    """Figures of the world's rows, added up."""
    found: dict[Key, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for name in ("spend", "impressions", "clicks", "conversions", "conversion_value"):
            found[tuple(str(row[column]) for column in by)][name] += row[name]
    return found


def count(row: Document, window: str, kind: str = "lead", of: str = "actions") -> Decimal:
    """An action's count in a row by window."""
    found = [entry for entry in row.get(of, ()) if entry["action_type"] == kind]
    return Decimal(found[0].get(window, "0")) if found else Decimal(0)


# Accounts and campaigns.


def test_accounts_tell_their_currency_and_their_zone(client: Client) -> None:
    fields = "name,currency,timezone_name,timezone_offset_hours_utc,account_status"
    found = client.all("me/adaccounts", fields=fields)
    assert [(a["id"], a["currency"], a["timezone_name"]) for a in found] == [
        ("act_2301000001", "USD", "UTC"), ("act_2301000002", "EUR", "Europe/Berlin"),
    ]  # fmt: skip
    assert [a["timezone_offset_hours_utc"] for a in found] == [0, 1]
    assert client.get("act_2301000002", fields=fields) == found[1]
    assert client.all("me/adaccounts")[0] == {"id": "act_2301000001", "account_id": "2301000001"}


def test_an_account_that_was_not_shared_is_not_shown(api: MetaAdsApi, client: Client) -> None:
    api.faults = Faults(forbidden=("2301000002",))
    assert [a["account_id"] for a in client.all("me/adaccounts")] == ["2301000001"]
    for path in ("act_2301000002", "act_2301000002/campaigns", "act_2301000002/insights"):
        status, error = client.error(path)
        assert (status, error["code"]) == (403, 200)
        assert "NOT grant ads_management or ads_read permission" in error["message"]


def test_campaigns_are_the_worlds_and_archived_ones_are_only_listed_if_asked_for(
    client: Client, world: World
) -> None:
    wanted = {
        row["source_id"]: row
        for row in world.table("campaigns").to_pylist()
        if row["platform"] == "meta_ads"
    }
    fields = "name,lifetime_budget,start_time,stop_time,effective_status,account_id"
    live, listed = [], []
    for account in ACCOUNTS:
        path = f"act_{account}/campaigns"
        live += client.all(path, fields=fields, limit=3)
        listed += client.all(path, fields=fields, effective_status=list(CAMPAIGN_STATUSES))
    assert {c["id"] for c in listed} == wanted.keys()
    assert {c["id"] for c in live} == {
        c["id"] for c in listed if c["effective_status"] != "ARCHIVED"
    }
    assert 0 < len(live) < len(listed)
    for found in listed:
        row = wanted[found["id"]]
        assert found["name"] == row["name"]
        assert Decimal(found["lifetime_budget"]) == row["budget"] * 100
        assert found["start_time"].startswith(f"{row['started_on']}T00:00:00+0")
        stop = found.get("stop_time", "None")[:10]
        assert stop == str(row["ended_on"])[:10]
    assert "stop_time" not in next(c for c in listed if wanted[c["id"]]["ended_on"] is None)
    summer = {c["start_time"][-5:] for c in listed if c["account_id"] == "2301000002"}
    assert summer == {"+0100", "+0200"}
    one = listed[0]
    assert client.get(one["id"], fields=fields) == one


# Figures.


def test_campaign_rows_are_what_the_world_tells_of_each_campaign_and_day(
    client: Client, world: World
) -> None:
    wanted = sums(told(world), "campaign_id", "day")
    found = {(row["campaign_id"], row["date_start"]): row for row in client.both("campaign")}
    assert found.keys() == wanted.keys()
    for key, row in found.items():
        assert row["date_stop"] == row["date_start"]
        assert Decimal(row["spend"]) == wanted[key]["spend"]
        assert int(row["impressions"]) == wanted[key]["impressions"]
        assert int(row["clicks"]) == wanted[key]["clicks"]
    by_ads: Counter[Key] = Counter()
    for row in client.both("ad", filtering=ALL_ADS):
        by_ads[row["campaign_id"], row["date_start"]] += Decimal(row["spend"])  # type: ignore[assignment]
    credited = {key for key, row in found.items() if Decimal(row["spend"]) < by_ads[key]}
    beyond = [row for row in told(world) if row["ad_row"] == NONE and row["spend"] < 0]
    assert credited == {(row["campaign_id"], str(row["day"])) for row in beyond} != set()


def test_ad_rows_leave_deleted_ads_out_unless_they_are_asked_for(
    client: Client, world: World
) -> None:
    rows = [row for row in told(world) if row["ad_row"] != NONE]
    gone = world.state["ads"]["is_deleted"]
    everything = sums(rows, "ad", "day")
    kept = sums([row for row in rows if not gone[row["ad_row"]]], "ad", "day")
    assert len(kept) < len(everything)
    fields = ["ad_name", "ad_id", *FIGURES]
    for wanted, filtering in ((kept, []), (everything, ALL_ADS)):
        found = client.both("ad", fields=fields, filtering=filtering)
        shown = {(row["ad_name"], row["date_start"]): row for row in found}
        assert shown.keys() == wanted.keys()
        assert len(shown) == len(found)
        for key, row in shown.items():
            assert Decimal(row["spend"]) == wanted[key]["spend"]
            assert count(row, "value") == wanted[key]["conversions"]
            assert count(row, "value", of="action_values") == wanted[key]["conversion_value"]


def test_a_campaign_has_what_its_deleted_ads_spent_and_a_filter_of_ads_takes_it_away(
    client: Client, world: World
) -> None:
    campaigns = Counter[str]()
    for row in client.both("campaign"):
        campaigns[row["campaign_id"]] += Decimal(row["spend"])  # type: ignore[assignment]
    gone = np.flatnonzero(world.state["ads"]["is_deleted"])
    lost: Counter[str] = Counter()
    for row in told(world):
        if row["ad_row"] in gone:
            lost[row["campaign_id"]] += row["spend"]
    assert lost
    filtered = [{"field": "ad.effective_status", "operator": "NOT_IN", "value": ["DELETED"]}]
    left = Counter[str]()
    for row in client.both("campaign", filtering=filtered):
        left[row["campaign_id"]] += Decimal(row["spend"])  # type: ignore[assignment]
    beyond = {row["campaign_id"] for row in told(world) if row["ad_row"] == NONE}
    for campaign in lost.keys() - beyond:
        assert campaigns[campaign] - left[campaign] == lost[campaign]


def test_sets_have_their_ads_and_accounts_their_campaigns(client: Client) -> None:
    by_ad = client.both("ad", fields=["adset_id", "spend"], filtering=ALL_ADS)
    sets: Counter[Key] = Counter()
    for row in by_ad:
        sets[row["adset_id"], row["date_start"]] += Decimal(row["spend"])  # type: ignore[assignment]
    found = client.both("adset", fields=["adset_id", "adset_name", "spend"])
    assert {(r["adset_id"], r["date_start"]): Decimal(r["spend"]) for r in found} == sets
    for account in ACCOUNTS:
        node = f"act_{account}"
        whole = sum(Decimal(row["spend"]) for row in client.insights(node, "account"))
        assert whole == sum(Decimal(row["spend"]) for row in client.insights(node, "campaign"))
        [one] = client.insights(node, "account", time_increment="all_days")
        assert Decimal(one["spend"]) == whole
        assert (one["date_start"], one["date_stop"]) == (EVER["since"], EVER["until"])


def test_a_campaign_can_be_asked_for_alone(client: Client) -> None:
    rows = client.insights("act_2301000001", "campaign")
    campaign = rows[0]["campaign_id"]
    wanted = [row for row in rows if row["campaign_id"] == campaign]
    assert client.insights(campaign, "campaign") == wanted
    only = [{"field": "campaign.id", "operator": "IN", "value": [campaign]}]
    assert client.insights("act_2301000001", "campaign", filtering=only) == wanted


# Attribution.


def test_conversions_are_split_among_the_windows_and_add_up(client: Client) -> None:
    rows = client.both("ad", action_attribution_windows=WINDOWS, filtering=ALL_ADS)
    for of in ("actions", "action_values"):
        for row in rows:
            day, week, month, view = (count(row, window, of=of) for window in WINDOWS)
            assert 0 <= day <= week <= month
            assert week + view == count(row, "value", of=of)
    seen = {w for r in rows for e in r.get("actions", ()) if e["action_type"] == "lead" for w in e}
    assert seen == {"action_type", "value", *WINDOWS}
    assert sum(count(row, "28d_click") for row in rows) > sum(count(r, "7d_click") for r in rows)
    by_set = client.both("adset", action_attribution_windows=WINDOWS)
    for window in ("value", *WINDOWS):
        assert sum(count(r, window) for r in by_set) == sum(count(r, window) for r in rows)


def test_the_value_is_the_default_whatever_windows_are_asked_for(client: Client) -> None:
    plain = client.both("ad")
    for windows in (["1d_click"], ["28d_click", "1d_view"]):
        rows = client.both("ad", action_attribution_windows=windows)
        for with_windows, without in zip(rows, plain, strict=True):
            assert count(with_windows, "value") == count(without, "value")
        told = {key for row in rows for entry in row.get("actions", ()) for key in entry}
        assert told == {"action_type", "value", *windows}
    assert {k for r in plain for e in r.get("actions", ()) for k in e} == {"action_type", "value"}


def test_the_same_leads_are_told_under_two_types_and_clicks_are_actions_too(
    client: Client,
) -> None:
    rows = client.both("ad")
    kinds = Counter(entry["action_type"] for row in rows for entry in row.get("actions", ()))
    assert kinds.keys() == {"lead", "offsite_conversion.fb_pixel_lead", "link_click"}
    assert kinds["lead"] == kinds["offsite_conversion.fb_pixel_lead"] < kinds["link_click"]
    assert any("actions" not in row for row in rows)


def test_leads_are_missing_from_some_campaigns_whose_ads_have_them(client: Client) -> None:
    ads: Counter[str] = Counter()
    for row in client.both("ad", filtering=ALL_ADS):
        ads[row["campaign_id"]] += int(count(row, "value"))
    campaigns: Counter[str] = Counter()
    for row in client.both("campaign"):
        campaigns[row["campaign_id"]] += int(count(row, "value"))
    kept = {campaign for campaign in ads if campaigns[campaign]}
    assert all(campaigns[campaign] == ads[campaign] for campaign in kept)
    assert {campaign for campaign in ads if ads[campaign]} - kept


# Reports.


def test_reports_take_their_time_and_a_hundred_percent_is_not_complete(client: Client) -> None:
    asked = {"level": "campaign", "time_range": EVER, "time_increment": 1}
    ways = {tuple(client.finished(client.report("act_2301000001", **asked))) for _ in range(3)}
    assert ways == {
        (("Job Completed", 100),),
        (("Job Not Started", 0), ("Job Completed", 100)),
        (("Job Running", 37), ("Job Running", 100), ("Job Completed", 100)),
    }
    for _ in range(3):
        run = client.report("act_2301000001", **asked)
        if client.get(run)["async_status"] != "Job Completed":
            status, error = client.error(f"{run}/insights")
            assert (status, error["code"], error["error_subcode"]) == (400, 2601, 1815107)
            assert error["is_transient"]


def test_a_report_is_what_was_known_when_it_was_asked_for(
    api: MetaAdsApi, client: Client, later: World
) -> None:
    before = client.insights("act_2301000001", "ad")
    run = client.report("act_2301000001", level="ad", time_increment=1, time_range=EVER)
    api.show(later)
    client.finished(run)
    assert len(client.all(f"{run}/insights", limit=500)) == len(before)
    assert client.insights("act_2301000001", "ad") != before


def test_pages_are_led_to_by_next_alone_which_bears_the_token(client: Client) -> None:
    run = client.report("act_2301000001", level="ad", time_increment=1, time_range=EVER)
    client.finished(run)
    whole = client.all(f"{run}/insights", limit=500)
    first = client.get(f"{run}/insights", limit=7)
    assert first["data"] == whole[:7]
    address = urlsplit(first["paging"]["next"])
    asked = parse_qs(address.query)
    assert asked["access_token"] == [TOKEN]
    assert asked["after"] == [first["paging"]["cursors"]["after"]]
    assert requests.get(first["paging"]["next"], timeout=10).json()["data"] == whole[7:14]
    assert client.all(f"{run}/insights", limit=7) == whole
    assert len(client.get(f"{run}/insights")["data"]) == questions.PAGE_DEFAULT
    last = client.get(f"{run}/insights", limit=500, after=questions.cursor(500))
    assert last["data"] == whole[500:]
    assert "after" in last["paging"]["cursors"]
    assert "next" not in last["paging"]
    beyond = client.get(f"{run}/insights", after=last["paging"]["cursors"]["after"])
    assert beyond == {"data": []}
    back = client.get(f"{run}/insights", limit=7, before=questions.cursor(14))
    assert back["data"] == whole[7:14]


def test_a_page_holds_no_more_than_the_server_wants(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "PAGE_LIMIT", 11)
    run = client.report("act_2301000001", level="ad", time_increment=1, time_range=EVER)
    client.finished(run)
    assert len(client.get(f"{run}/insights", limit=5000)["data"]) == 11


def test_the_first_reports_fail_as_told(api: MetaAdsApi, client: Client, world: World) -> None:
    api.faults = Faults(failed_reports=2)
    asked = {"level": "campaign", "time_range": EVER}
    for _ in range(2):
        run = client.report("act_2301000001", **asked)
        assert client.finished(run)[-1] == ("Job Failed", 12)
        assert client.error(f"{run}/insights")[1]["code"] == 2601
        api.show(world)
    assert client.finished(client.report("act_2301000001", **asked))[-1][0] == "Job Completed"


def test_a_report_that_is_too_large_is_a_servers_error(api: MetaAdsApi, client: Client) -> None:
    api.faults = Faults(report_rows=30)
    asked: Document = {"level": "ad", "time_increment": 1, "fields": "spend"}
    for method in ("POST", "GET"):
        status, error = client.error("act_2301000001/insights", method, time_range=EVER, **asked)
        assert (status, error["code"]) == (500, 1)
        assert error["message"].startswith("Please reduce the amount of data")
        assert "is_transient" not in error
    short = {"since": "2023-06-01", "until": "2023-06-02"}
    assert client.report("act_2301000001", time_range=short, **asked)


# Refusals, limits, faults.


def test_tokens_are_checked_wherever_they_are(
    client: Client, served: tuple[MetaAdsApi, str]
) -> None:
    url = f"{served[1]}/v26.0/me/adaccounts"
    assert requests.get(url, params={"access_token": TOKEN}, timeout=10).ok
    posted = {"access_token": TOKEN, "level": "campaign"}
    insights = f"{served[1]}/v26.0/act_2301000001/insights"
    assert requests.post(insights, data=posted, timeout=10).ok
    assert requests.post(insights, json=posted, timeout=10).ok
    none = requests.get(url, timeout=10)
    assert (none.status_code, none.json()["error"]["code"]) == (400, 104)
    status, error = Client(served[1], "EAAwrong").error("me/adaccounts")
    assert (status, error["code"], error["type"]) == (400, 190, "OAuthException")
    assert "EAAwrong" not in error["message"]


def test_a_token_expires_and_stays_so(api: MetaAdsApi, client: Client, world: World) -> None:
    api.faults = Faults(token_requests=2)
    client.get("me/adaccounts")
    client.get("me/adaccounts")
    api.show(world)
    for _ in range(2):
        status, error = client.error("me/adaccounts")
        assert (status, error["code"], error["error_subcode"]) == (401, 190, 463)


def test_what_meta_does_not_know_is_refused(client: Client) -> None:
    node = "act_2301000001/insights"
    cases: list[tuple[str, Document, int, str]] = [
        ("act_99", {}, 100, "Object with ID 'act_99' does not exist"),
        ("act_2301000001", {"fields": "colour"}, 100, "nonexisting field (colour)"),
        ("act_2301000001/pixels", {}, 2500, "Unknown path components"),
        (node, {"fields": "spend,reachs"}, 100, "reachs is not valid for fields param"),
        (node, {"level": "keyword"}, 100, "level must be one of"),
        (node, {"time_range": {"since": "2024-01-09"}}, 100, "'since' and 'until'"),
        (node, {"time_range": {"since": "9.1.2024", "until": "2024-01-10"}}, 100, "YYYY-MM-DD"),
        (node, {"time_range": {"since": "2024-01-09", "until": "2024-01-08"}}, 100, "before or"),
        (node, {"time_range": {"since": "2020-12-01", "until": "2024-01-08"}}, 3018, "37 months"),
        (node, {"action_attribution_windows": ["7d_click", "7d_view"]}, 100, "_windows[1] must"),
        (node, {"action_attribution_windows": ["28d_view"]}, 100, "must be one of"),
        (node, {"action_breakdowns": ["action_device"]}, 100, "no action_breakdowns"),
        (node, {"attribution_windows": ["7d_click"]}, 100, "no parameter 'attribution_windows'"),
        (node, {"filtering": [{"field": "ad.colour", "operator": "IN", "value": []}]}, 100,
         "ad.colour is invalid"),
        (node, {"limit": "0"}, 100, "limit must be"),
        (node, {"after": "nonsense"}, 100, "Invalid cursor"),
        ("act_2301000001/campaigns", {"effective_status": ["GONE"]}, 100, "'GONE' must be"),
    ]  # fmt: skip
    for path, params, code, message in cases:
        status, error = client.error(path, **params)
        assert (status, error["code"]) == (400, code), error
        assert message in error["message"]


def test_only_versions_that_live_are_served(client: Client) -> None:
    session = client.session
    old = session.get(f"{client.url}/v19.0/me/adaccounts", timeout=10)
    assert (old.status_code, old.json()["error"]["code"]) == (400, 2635)
    for path in ("v99.0/me/adaccounts", "me/adaccounts"):
        answer = session.get(f"{client.url}/{path}", timeout=10)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2500)


def test_limits_are_bad_requests_by_code(api: MetaAdsApi, client: Client) -> None:
    api.faults = Faults(rate_limited=1, retry_after_seconds=120)
    status, error = client.error("act_2301000001/insights", "POST")
    assert (status, error["code"]) == (400, 80000)
    assert client.error("me/adaccounts")[1]["code"] == 17
    headers = client.ask("GET", "act_2301000001/insights").headers
    [usage] = json.loads(headers["x-business-use-case-usage"]).values()
    assert usage[0]["type"] == "ads_insights"
    assert usage[0]["estimated_time_to_regain_access"] == 2
    assert json.loads(headers["x-ad-account-usage"])["reset_time_duration"] == 120
    assert "retry-after" not in headers


def test_errors_of_the_server_pass_though_only_some_say_so(api: MetaAdsApi, client: Client) -> None:
    api.faults = Faults(server_error=1, burst=1)
    found = [client.error("me/adaccounts") for _ in range(2)]
    assert {status for status, _ in found} == {500}
    assert {(error["code"], error.get("is_transient")) for _, error in found} == {
        (1, None), (2, True),
    }  # fmt: skip


def test_a_page_that_comes_twice_is_led_to_by_another_cursor(
    api: MetaAdsApi, client: Client
) -> None:
    run = client.report("act_2301000001", level="ad", time_increment=1, time_range=EVER)
    client.finished(run)
    plain = client.get(f"{run}/insights", limit=9)
    api.faults = Faults(duplicate=1)
    twice = client.get(f"{run}/insights", limit=9)
    api.faults = Faults()
    assert twice["data"] == plain["data"]
    after = twice["paging"]["cursors"]["after"]
    assert after not in plain["paging"]["cursors"].values()
    assert client.get(f"{run}/insights", limit=9, after=after)["data"] == plain["data"]


def test_rows_come_in_any_order(api: MetaAdsApi, client: Client) -> None:
    plain = client.insights("act_2301000001", "ad")
    api.faults = Faults(out_of_order=True)
    shuffled = client.insights("act_2301000001", "ad")
    assert shuffled != plain
    order = sorted(map(json.dumps, plain))
    assert sorted(map(json.dumps, shuffled)) == order


def test_the_log_has_no_token_that_was_in_the_header(api: MetaAdsApi, client: Client) -> None:
    client.insights("act_2301000001", "campaign")
    assert {(asked.system, asked.status) for asked in api.requests} == {("meta_ads", 200)}
    assert sum(asked.rows for asked in api.requests)
    assert TOKEN not in repr(api.requests)


# What is told later.


def test_the_past_is_told_otherwise_for_weeks(
    api: MetaAdsApi, client: Client, world: World, later: World
) -> None:
    def leads(until: dt.date) -> Decimal:
        asked = {"since": "2023-01-01", "until": until.isoformat()}
        rows = client.both("ad", filtering=ALL_ADS, time_range=asked)
        return sum((count(row, "value") for row in rows), Decimal(0))

    day = world.now.date() - dt.timedelta(1)
    before = leads(day)
    api.show(later)
    assert leads(day) > before
    wanted = [row["conversions"] for row in told(later) if row["day"] <= day]
    assert leads(day) == sum(wanted)


def test_money_has_no_more_digits_than_needed() -> None:
    shown = {450: "4.5", 400: "4", 1000: "10", 26_78: "26.78", -150: "-1.5", 0: "0", 7: "0.07"}
    assert {cents: actions.money(cents) for cents in shown} == shown


def test_there_are_campaigns_in_both_accounts(world: World) -> None:
    campaigns = world.state["campaigns"]
    meta = campaigns["platform"] == PLATFORMS.index("meta_ads")
    assert len(set(campaigns["ad_account"][meta].tolist())) == len(ACCOUNTS)
