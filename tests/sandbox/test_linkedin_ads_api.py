"""The sandbox's LinkedIn tells what is in the world, as LinkedIn does, and refuses as it does."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.linkedin_ads import analytics, restli
from ingestion.sandbox.systems.linkedin_ads.api import LinkedInAdsApi
from ingestion.sandbox.systems.linkedin_ads.entities import money
from ingestion.sandbox.systems.linkedin_ads.errors import SyntaxLinkedInError
from ingestion.sandbox.world import World
from ingestion.sandbox.world.advertising import (
    credit,
    creditable,
    deletable,
    delete_ad,
    rename,
    running,
)
from ingestion.sandbox.world.calendar import HOUR
from ingestion.sandbox.world.render import source_ids
from ingestion.sandbox.world.schema import NONE, PLATFORMS

TOKEN = "AQXsecretofthetest"
ACCOUNT = "508000001"
HEADERS = {
    "Authorization": f"Bearer {TOKEN}", "LinkedIn-Version": "202610",
    "X-Restli-Protocol-Version": "2.0.0", "X-RestLi-Method": "FINDER",
}  # fmt: skip
FIELDS = (
    "dateRange", "pivotValues", "costInLocalCurrency", "impressions", "clicks",
    "externalWebsiteConversions", "conversionValueInLocalCurrency",
)  # fmt: skip
OURS = f"accounts=List(urn%3Ali%3AsponsoredAccount%3A{ACCOUNT})"
EVER = "dateRange=(start:(year:2023,month:1,day:1),end:(year:2025,month:12,day:31))"
REPORT = f"adAnalytics?q=analytics&timeGranularity=DAILY&{EVER}&fields={','.join(FIELDS)}"
BY_CAMPAIGN, BY_CREATIVE = f"{REPORT}&pivot=CAMPAIGN", f"{REPORT}&pivot=CREATIVE"
SIX_PLACES = Decimal("0.000001")

Document = dict[str, Any]
Figures = tuple[Decimal, ...]


@pytest.fixture(scope="module")
def world() -> World:
    """A small company of 240 days; on LinkedIn a credit, a deleted ad and a new name."""
    grown = World.found(seed=5, scale=0.05)
    grown.advance(240)
    state = grown.state
    ours, at = PLATFORMS.index("linkedin_ads"), state.now - HOUR
    of = state["spend_daily"]["platform"]
    deleted = deletable(state, state.day)
    delete_ad(state, int(deleted[of[deleted] == ours][-1]), at)
    credited = creditable(state, state.day)
    credit(state, int(credited[of[credited] == ours][0]), 40, at)
    campaigns = running(state, state.day)
    rename(state, int(campaigns[state["campaigns"]["platform"][campaigns] == ours][0]), at)
    return grown


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[tuple[LinkedInAdsApi, str]]:
    api = LinkedInAdsApi(world, TOKEN)
    with serving(api) as url:
        yield api, url


@pytest.fixture
def api(served: tuple[LinkedInAdsApi, str], world: World) -> LinkedInAdsApi:
    """The server, well behaved."""
    served[0].faults = Faults()
    served[0].show(world)
    served[0].requests.clear()
    return served[0]


class Client:
    """Asks the API over plain HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **headers: str | None) -> requests.Response:
        """An answer; `headers` are set or, with none, left out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (HEADERS | changed).items() if value is not None}
        return requests.get(f"{self.url}/rest/{path}", headers=sent, timeout=10)

    def elements(self, path: str) -> list[Document]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        found: list[Document] = answer.json()["elements"]
        return found

    def pages(self, path: str, size: int) -> list[list[Document]]:
        """The elements of every page."""
        pages, cursor = [], ""
        while True:
            answer = self.get(f"{path}&pageSize={size}{cursor}").json()
            pages.append(answer["elements"])
            following = answer.get("metadata", {}).get("nextPageToken")
            if following is None:
                return pages
            cursor = f"&pageToken={following}"

    def refused(self, path: str, **headers: str | None) -> tuple[int, str]:
        """Status, and code or parameter, of a request that is not answered."""
        answer = self.get(path, **headers)
        document = answer.json()
        assert document["status"] == answer.status_code
        if "errorDetails" not in document:
            return answer.status_code, document.get("code", document["message"])
        [wrong] = document["errorDetails"]["inputErrors"]
        return answer.status_code, f"{wrong['code']} {wrong['input']['inputPath']['fieldPath']}"


@pytest.fixture
def client(served: tuple[LinkedInAdsApi, str], api: LinkedInAdsApi) -> Client:
    return Client(served[1])


def day_of(element: Document) -> str:
    """The one day of an element."""
    assert element["dateRange"]["start"] == element["dateRange"]["end"]
    return dt.date(**element["dateRange"]["start"]).isoformat()


def told(elements: list[Document]) -> dict[tuple[str, str], Figures]:
    """Figures by what the elements are of, and day."""
    found = {}
    for element in elements:
        [urn] = element["pivotValues"]
        key = (urn.rpartition(":")[2], day_of(element))
        assert key not in found
        found[key] = (
            Decimal(element["costInLocalCurrency"]).quantize(SIX_PLACES),
            Decimal(element["impressions"]), Decimal(element["clicks"]),
            Decimal(element["externalWebsiteConversions"]),
            Decimal(element["conversionValueInLocalCurrency"]),
        )  # fmt: skip
    return found


def simulated(world: World, of_ads: bool) -> dict[tuple[str, str], Figures]:
    """The same figures by the world's own table of spend, added up here."""
    state = world.state
    spend = state["spend_daily"]
    names = ("spend", "impressions", "clicks", "conversions", "conversion_value")
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row, shown in enumerate(world.table("spend_daily").to_pylist()):
        ad = int(spend["ad"][row])
        if shown["is_deleted"] or shown["platform"] != "linkedin_ads":
            continue
        if of_ads and (ad == NONE or state["ads"]["is_deleted"][ad]):
            continue
        key = source_ids("ads", np.array([ad]))[0].as_py() if of_ads else shown["campaign_id"]
        sums[key, shown["day"].isoformat()].update({name: shown[name] for name in names})
    return {key: tuple(Decimal(values[name]) for name in names) for key, values in sums.items()}


# Reports.


def test_figures_of_campaigns_and_creatives_are_the_worlds(client: Client, world: World) -> None:
    campaigns = told(client.elements(f"{BY_CAMPAIGN}&{OURS}"))
    assert campaigns == simulated(world, of_ads=False) != {}
    creatives = told(client.elements(f"{BY_CREATIVE}&{OURS}"))
    assert creatives == simulated(world, of_ads=True) != {}
    listed = client.elements(f"adAccounts/{ACCOUNT}/creatives?q=criteria&pageSize=100")
    of = {each["id"].rpartition(":")[2]: each["campaign"].rpartition(":")[2] for each in listed}
    rests = {key: figures[0] for key, figures in campaigns.items()}
    for (creative, day), figures in creatives.items():
        rests[of[creative], day] -= figures[0]
    assert min(rests.values()) < 0 < max(rests.values())


def test_costs_are_text_with_the_noise_of_fractions(client: Client) -> None:
    costs = [element["costInLocalCurrency"] for element in client.elements(f"{BY_CREATIVE}&{OURS}")]
    assert {type(cost) for cost in costs} == {str}
    noisy = [cost for cost in costs if len(cost.partition(".")[2]) > 2]
    assert 0 < len(noisy) < len(costs)
    for cost in noisy:
        assert abs(Decimal(cost) - Decimal(cost).quantize(Decimal("0.01"))) < Decimal("1e-13")
    nothing = analytics.metrics(
        dict.fromkeys(("spend", "impressions", "clicks", "conversions", "conversion_value"), 0)
    )
    assert Decimal(nothing["costInLocalCurrency"]).quantize(SIX_PLACES) == 0
    assert nothing["costInLocalCurrency"] != "0"


def test_longer_times_and_larger_groups_are_sums(client: Client) -> None:
    days = told(client.elements(f"{BY_CAMPAIGN}&{OURS}"))
    months: Counter[tuple[str, str]] = Counter()
    for (campaign, day), figures in days.items():
        months[campaign, day[:7]] += int(figures[2])
    monthly = client.elements(f"{BY_CAMPAIGN}&{OURS}".replace("DAILY", "MONTHLY"))
    assert {
        (
            element["pivotValues"][0].rpartition(":")[2],
            dt.date(**element["dateRange"]["start"]).isoformat()[:7],
        ): element["clicks"]
        for element in monthly
    } == months
    for pivot, urn in (
        ("ACCOUNT", f"urn:li:sponsoredAccount:{ACCOUNT}"),
        ("CAMPAIGN_GROUP", "urn:li:sponsoredCampaignGroup:1108000001"),
    ):
        [whole] = client.elements(
            f"{BY_CAMPAIGN}&{OURS}".replace("DAILY", "ALL").replace("CAMPAIGN&", f"{pivot}&")
        )
        assert whole["pivotValues"] == [urn]
        assert whole["clicks"] == sum(months.values())
        assert whole["dateRange"]["end"] == {"year": 2025, "month": 12, "day": 31}


def test_facets_and_days_narrow(client: Client) -> None:
    everything = told(client.elements(f"{BY_CAMPAIGN}&{OURS}"))
    campaign, day = sorted(everything)[len(everything) // 2]
    facet = f"campaigns=List(urn%3Ali%3AsponsoredCampaign%3A{campaign})"
    own = {key: value for key, value in everything.items() if key[0] == campaign}
    assert told(client.elements(f"{BY_CAMPAIGN}&{OURS}&{facet}")) == own
    assert told(client.elements(f"{BY_CAMPAIGN}&{facet}")) == own
    year, month, number = (int(part) for part in day.split("-"))
    date = f"(year:{year},month:{month},day:{number})"
    one_day = BY_CAMPAIGN.replace(EVER, f"dateRange=(start:{date},end:{date})")
    assert told(client.elements(f"{one_day}&{OURS}&{facet}")) == {
        (campaign, day): everything[campaign, day]
    }
    since = BY_CAMPAIGN.replace(EVER, f"dateRange=(start:{date})")
    assert set(told(client.elements(f"{since}&{OURS}"))) == {
        key for key in everything if key[1] >= day
    }
    creative, _ = sorted(told(client.elements(f"{BY_CREATIVE}&{facet}")))[0]
    of_one = f"creatives=List(urn%3Ali%3AsponsoredCreative%3A{creative})"
    assert {key for key, _ in told(client.elements(f"{BY_CREATIVE}&{of_one}"))} == {creative}


def test_only_what_is_asked_for_is_told(client: Client) -> None:
    plain = REPORT.replace(f"&fields={','.join(FIELDS)}", "") + f"&pivot=CAMPAIGN&{OURS}"
    assert set(client.elements(plain)[0]) == {"impressions", "clicks", "dateRange", "pivotValues"}
    assert list(client.elements(f"{plain}&fields=clicks")[0]) == ["clicks"]


def test_a_report_ends_silently(client: Client, api: LinkedInAdsApi) -> None:
    everything = client.elements(f"{BY_CREATIVE}&{OURS}")
    api.faults = Faults(elements=len(everything))
    assert client.elements(f"{BY_CREATIVE}&{OURS}") == everything
    api.faults = Faults(elements=len(everything) - 3)
    answer = client.get(f"{BY_CREATIVE}&{OURS}")
    assert answer.status_code == 200
    assert answer.json()["elements"] == everything[:-3]
    assert set(answer.json()) == {"elements", "paging"}
    assert Faults().elements == 15_000


def test_who_has_no_access_sees_an_empty_report(client: Client, api: LinkedInAdsApi) -> None:
    assert client.elements(f"{BY_CAMPAIGN}&accounts=List(urn%3Ali%3AsponsoredAccount%3A1)") == []
    api.faults = Faults(forbidden=(ACCOUNT,))
    assert client.elements(f"{BY_CAMPAIGN}&{OURS}") == []
    assert client.elements("adAccounts?q=search") == []
    assert client.refused(f"adAccounts/{ACCOUNT}/adCampaigns?q=search") == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        (f"q=analytics&timeGranularity=DAILY&{EVER}&{OURS}", "PARAM_MISSING pivot"),
        (f"q=analytics&pivot=CAMPAIGN&{EVER}&{OURS}", "PARAM_MISSING timeGranularity"),
        (f"q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&{OURS}", "PARAM_MISSING dateRange"),
        (f"q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&{EVER}", "PARAM_MISSING accounts"),
        (f"q=analytics&pivot=ADS&timeGranularity=DAILY&{EVER}&{OURS}", "PARAM_INVALID pivot"),
        (
            f"q=analytics&pivot=CAMPAIGN&timeGranularity=WEEKLY&{EVER}&{OURS}",
            "PARAM_INVALID timeGranularity",
        ),
        (
            f"q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&{EVER}&accounts=List({ACCOUNT})",
            "PARAM_INVALID accounts",
        ),
        (
            "q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&"
            f"dateRange=(start:(year:2023,month:2,day:30))&{OURS}",
            "PARAM_INVALID dateRange.start",
        ),
        (
            "q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&dateRange=(start:(year:2023,month:2,"
            f"day:2),end:(year:2023,month:2,day:1))&{OURS}",
            "PARAM_INVALID dateRange",
        ),
        (
            f"q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&{EVER}&{OURS}&fields=clicks,spend",
            "PARAM_INVALID fields",
        ),
        (
            f"q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&{EVER}&{OURS}&start=0",
            "QUERY_PARAM_NOT_ALLOWED start",
        ),
    ],
)
def test_a_wrong_report_is_refused(client: Client, query: str, wrong: str) -> None:
    assert client.refused(f"adAnalytics?{query}") == (400, wrong)


def test_at_most_twenty_fields_are_had(client: Client) -> None:
    known = [*analytics.metrics(dict.fromkeys(
        ("spend", "impressions", "clicks", "conversions", "conversion_value"), 1
    ))]  # fmt: skip
    plain = REPORT.replace(f"&fields={','.join(FIELDS)}", "") + f"&pivot=CAMPAIGN&{OURS}"
    assert set(client.elements(f"{plain}&fields={','.join(known[:20])}")[0]) == set(known[:20])
    assert client.refused(f"{plain}&fields={','.join(known[:21])}") == (400, "PARAM_INVALID fields")


# Accounts, campaigns, creatives.


def test_campaigns_are_as_the_world_has_them(client: Client, world: World) -> None:
    known = {
        row["source_id"]: row
        for row in world.table("campaigns").to_pylist()
        if row["platform"] == "linkedin_ads"
    }
    found = client.elements(f"adAccounts/{ACCOUNT}/adCampaigns?q=search")
    assert {str(row["id"]) for row in found} == set(known)
    for row in found:
        own = known[str(row["id"])]
        assert row["name"] == own["name"]
        assert row["account"] == f"urn:li:sponsoredAccount:{ACCOUNT}"
        days = {
            name: dt.datetime.fromtimestamp(at / 1_000, dt.UTC).date()
            for name, at in row["runSchedule"].items()
        }
        after = own["ended_on"] and own["ended_on"] + dt.timedelta(days=1)
        assert (days["start"], days.get("end")) == (own["started_on"], after)
        assert Decimal(row["totalBudget"]["amount"]) == own["budget"]
        assert row["totalBudget"]["currencyCode"] == own["currency"] == "USD"
        assert client.get(f"adAccounts/{ACCOUNT}/adCampaigns/{row['id']}").json() == row
    an_hour_ago = (world.state.now - HOUR) // 1_000
    [renamed] = [
        row["name"]
        for row in found
        if row["changeAuditStamps"]["lastModified"]["time"] == an_hour_ago
    ]
    assert " v" in renamed


def test_accounts_and_creatives_are_listed(client: Client, world: World) -> None:
    [account] = client.elements("adAccounts?q=search")
    assert (account["id"], account["currency"], account["status"]) == (508000001, "USD", "ACTIVE")
    assert client.get(f"adAccounts/{ACCOUNT}").json() == account
    search = "adAccounts?q=search&search=(status:(values:List(ACTIVE)),test:false)"
    assert client.elements(search) == [account]
    assert client.elements(search.replace("ACTIVE", "CANCELED")) == []
    path = f"adAccounts/{ACCOUNT}/creatives?q=criteria"
    creatives = [each for page in client.pages(path, 100) for each in page]
    reported = told(client.elements(f"{BY_CREATIVE}&{OURS}"))
    listed = {each["id"].rpartition(":")[2] for each in creatives}
    assert {key for key, _ in reported} <= listed
    state = world.state
    gone = np.flatnonzero(state["ads"]["is_deleted"] == 1)
    assert listed.isdisjoint(source_ids("ads", gone).to_pylist())
    one = quote(creatives[0]["id"], safe="")
    assert client.get(f"adAccounts/{ACCOUNT}/creatives/{one}").json() == creatives[0]
    campaign = quote(creatives[-1]["campaign"], safe="")
    some = client.elements(f"{path}&campaigns=List({campaign})")
    assert some == [each for each in creatives if each["campaign"] == creatives[-1]["campaign"]]


def test_searches_choose_and_project(client: Client) -> None:
    path = f"adAccounts/{ACCOUNT}/adCampaigns?q=search"
    everything = client.elements(path)
    statuses = Counter(row["status"] for row in everything)
    assert set(statuses) == {"ACTIVE", "COMPLETED"}
    for status, count in statuses.items():
        search = f"search=(status:(values:List({status})),test:false)"
        assert len(client.elements(f"{path}&{search}")) == count
    first = quote(f"urn:li:sponsoredCampaign:{everything[0]['id']}", safe="")
    assert client.elements(f"{path}&search=(id:(values:List({first})))") == everything[:1]
    assert client.elements(f"{path}&search=(test:true)") == []
    assert client.elements(f"{path}&sortOrder=DESCENDING") == everything[::-1]
    assert set(client.elements(f"{path}&fields=id,name,nothing")[0]) == {"id", "name"}
    for wrong, code in (
        ("search=(status:(values:List(LIVE)))", "PARAM_INVALID search.status.values"),
        ("search=(budget:(values:List(1)))", "PARAM_INVALID search.budget"),
        ("start=0", "QUERY_PARAM_NOT_ALLOWED start"),
        ("pageSize=1001", "PARAM_INVALID pageSize"),
        ("pageToken=x", "PARAM_INVALID pageToken"),
    ):
        assert client.refused(f"{path}&{wrong}") == (400, code)
    creatives = f"adAccounts/{ACCOUNT}/creatives?q=criteria"
    assert client.refused(f"{creatives}&pageSize=101") == (400, "PARAM_INVALID pageSize")


def test_pages_lead_through_all_and_may_come_twice(client: Client, api: LinkedInAdsApi) -> None:
    path = f"adAccounts/{ACCOUNT}/creatives?q=criteria"
    everything = [each for page in client.pages(path, 100) for each in page]
    pages = client.pages(path, 7)
    assert [each for page in pages for each in page] == everything
    assert [len(page) for page in pages[:-1]] == [7] * (len(pages) - 1)
    api.faults = Faults(duplicate=0.5, out_of_order=True, seed=3)
    again = client.pages(path, 7)
    assert len(again) > len(pages)
    ids = Counter(each["id"] for page in again for each in page)
    assert set(ids) == {each["id"] for each in everything}
    assert max(ids.values()) == 2
    assert [each for page in again for each in page][: len(everything)] != everything


# The protocol.


def test_headers_are_needed(client: Client) -> None:
    path = "adAccounts?q=search"
    for headers, refused in (
        ({"Authorization": None}, (401, "EMPTY_ACCESS_TOKEN")),
        ({"Authorization": "Bearer x"}, (401, "INVALID_ACCESS_TOKEN")),
        ({"LinkedIn_Version": None}, (400, "VERSION_MISSING")),
        ({"LinkedIn_Version": "2026-10"}, (400, "INVALID_VERSION")),
        ({"LinkedIn_Version": "202401"}, (426, "NONEXISTENT_VERSION")),
    ):
        assert client.refused(path, **headers) == refused
    message = client.get(path, LinkedIn_Version="202401").json()["message"]
    assert message == "Requested version 20240101 is not active"
    report = f"{BY_CAMPAIGN}&{OURS}"
    assert client.refused(report, X_Restli_Protocol_Version=None) == (400, "ILLEGAL_ARGUMENT")
    assert client.get(path, X_Restli_Protocol_Version="3.0.0").status_code == 400
    assert client.get(path, X_RestLi_Method="GET_ALL").status_code == 400
    assert client.refused("adAccounts?q=all") == (400, "ILLEGAL_ARGUMENT")
    assert client.refused("adThings?q=search") == (404, "NOT_FOUND")
    assert client.refused(f"adAccounts/{ACCOUNT}/adCampaigns/1") == (404, "NOT_FOUND")


def test_a_token_expires_for_good(client: Client, api: LinkedInAdsApi, world: World) -> None:
    api.faults = Faults(token_requests=2)
    statuses = [client.get("adAccounts?q=search").status_code for _ in range(3)]
    assert statuses == [200, 200, 401]
    api.show(world)
    assert client.refused("adAccounts?q=search") == (401, "EXPIRED_ACCESS_TOKEN")
    api.faults = Faults()
    assert client.get("adAccounts?q=search").status_code == 200


def test_a_long_query_is_tunnelled(client: Client) -> None:
    names = ",".join(f"urn%3Ali%3AsponsoredCampaign%3A{number}" for number in range(200))
    query = f"{BY_CAMPAIGN}&{OURS}&campaigns=List({names})".partition("?")[2]
    assert len(query) > 4_096
    assert client.refused(f"adAnalytics?{query}") == (414, "URI_TOO_LONG")

    def post(body: str, **headers: str) -> requests.Response:
        return requests.post(
            f"{client.url}/rest/adAnalytics", body, headers=HEADERS | headers, timeout=10
        )

    form = {"Content-Type": "application/x-www-form-urlencoded", "X-HTTP-Method-Override": "GET"}
    assert post(query, **form).json()["elements"] == []
    query = f"{BY_CAMPAIGN}&{OURS}".partition("?")[2]
    assert post(query, **form).json() == client.get(f"adAnalytics?{query}").json()
    assert post(query, **{"Content-Type": form["Content-Type"]}).status_code == 405
    assert post(query, **(form | {"Content-Type": "text/plain"})).status_code == 400


def test_limits_and_failures_are_told_as_linkedin_does(client: Client, api: LinkedInAdsApi) -> None:
    api.faults = Faults(rate_limited=1.0)
    assert client.refused("adAccounts?q=search") == (429, "TOO_MANY_REQUESTS")
    api.faults = Faults(server_error=1.0)
    assert client.refused("adAccounts?q=search") == (500, "INTERNAL_SERVER_ERROR")


def test_elements_may_come_in_another_order(client: Client, api: LinkedInAdsApi) -> None:
    everything = client.elements(f"{BY_CAMPAIGN}&{OURS}")
    api.faults = Faults(out_of_order=True)
    shuffled = client.elements(f"{BY_CAMPAIGN}&{OURS}")
    assert shuffled != everything
    assert sorted(map(json.dumps, shuffled)) == sorted(map(json.dumps, everything))


TEXTS = st.text(min_size=1, max_size=8)
VALUES = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def encoded(value: restli.Value) -> str:
    """A value as Rest.li 2.0 writes it."""
    if isinstance(value, list):
        return f"List({','.join(encoded(each) for each in value)})"
    if isinstance(value, dict):
        pairs = (f"{encoded(name)}:{encoded(each)}" for name, each in value.items())
        return f"({','.join(pairs)})"
    return quote(value, safe="")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=3))
def test_what_is_encoded_is_read(given_values: dict[str, restli.Value]) -> None:
    query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in given_values.items())
    assert restli.read(query) == given_values


def test_a_request_of_linkedins_own_client_is_read() -> None:
    """Recorded of LinkedIn's SDK 0.3.0."""
    query = (
        "accounts=List(urn%3Ali%3AsponsoredAccount%3A1)&dateRange=(end:(day:2,month:3,year:2026),"
        "start:(day:1,month:3,year:2026))&pivot=CAMPAIGN&q=analytics&timeGranularity=DAILY"
        "&fields=dateRange,pivotValues,costInLocalCurrency"
    )
    assert restli.read(query) == {
        "accounts": ["urn:li:sponsoredAccount:1"],
        "dateRange": {
            "start": {"year": "2026", "month": "3", "day": "1"},
            "end": {"year": "2026", "month": "3", "day": "2"},
        },
        "pivot": "CAMPAIGN", "q": "analytics", "timeGranularity": "DAILY",
        "fields": "dateRange,pivotValues,costInLocalCurrency",
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    ["a", "=b", "a=1&a=2", "a=List(1", "a=List(1)2", "a=List(1,)", "a=(b)", "a=(b:)",
     "a=(b:1,b:2)", "a=(b:1", "a=List(urn:li:x)", "a=urn:li:x", "a=(:1)"],
)  # fmt: skip
def test_other_syntax_is_refused(query: str) -> None:
    with pytest.raises(SyntaxLinkedInError):
        restli.read(query)


def test_money_is_written_without_zeros_at_its_end() -> None:
    assert [money(each) for each in (0, 5, 1_00, 1_50, -2_05, 123_456)] == [
        "0", "0.05", "1", "1.5", "-2.05", "1234.56",
    ]  # fmt: skip
