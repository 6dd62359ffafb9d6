"""The sandbox's Google Ads tells what is in the world, as Google does, and refuses as it does."""

from __future__ import annotations

import datetime as dt
import importlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.google_ads import answers, catalogue
from ingestion.sandbox.systems.google_ads.api import GoogleAdsApi
from ingestion.sandbox.systems.google_ads.customers import CLOSED
from ingestion.sandbox.systems.google_ads.errors import QueryError
from ingestion.sandbox.systems.google_ads.gaql import Condition, Query, parse
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS, GOOGLE_MANAGER
from ingestion.sandbox.world.advertising import rename, running
from ingestion.sandbox.world.calendar import HOUR
from ingestion.sandbox.world.render import source_ids
from ingestion.sandbox.world.schema import (
    NONE,
    PLATFORMS,
)
from tests.sandbox.ads_traps import upset_ads

SECRET = "gads-secretofthetest"
MAIN, WEST = "7301000001", "7301000002"
FIRST_DAY = "2023-01-01"
FIGURES = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")
SELECTED = ", ".join(f"metrics.{name}" for name in FIGURES)
BY_CAMPAIGN = f"SELECT campaign.id, segments.date, {SELECTED} FROM campaign"
BY_AD = (
    f"SELECT campaign.id, ad_group.id, ad_group_ad.ad.id, segments.date, {SELECTED} "
    "FROM ad_group_ad"
)
EVER = f"WHERE segments.date BETWEEN '{FIRST_DAY}' AND '2025-12-31'"

Document = dict[str, Any]
Key = tuple[str, ...]


@pytest.fixture(scope="module")
def world() -> World:
    """A small company of 270 days, with an evening on which all went wrong."""
    grown = World.found(seed=5, scale=0.05)
    grown.advance(260)
    upset_ads(grown.state, grown.state.now - HOUR)
    grown.advance(10)
    ours = grown.state["campaigns"]["platform"] == PLATFORMS.index("google_ads")
    rows = running(grown.state, grown.state.day)
    rename(grown.state, int(rows[ours[rows]][0]), grown.state.now - HOUR)
    return grown


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[tuple[GoogleAdsApi, str]]:
    api = GoogleAdsApi(world, SECRET)
    with serving(api) as url:
        yield api, url


@pytest.fixture
def api(served: tuple[GoogleAdsApi, str], world: World) -> GoogleAdsApi:
    """The server, well behaved."""
    served[0].faults = Faults()
    served[0].show(world)
    served[0].requests.clear()
    return served[0]


class Client:
    """Asks the API over plain HTTP, in the manager's name unless told otherwise."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.renew()
        self.session.headers["login-customer-id"] = GOOGLE_MANAGER

    def token(self, **changed: str) -> requests.Response:
        form = {
            "grant_type": "refresh_token", "client_id": "sandbox", "client_secret": SECRET,
            "refresh_token": SECRET,
        } | changed  # fmt: skip
        given = {name: value for name, value in form.items() if value}
        return requests.post(f"{self.url}/token", data=given, timeout=10)

    def renew(self) -> None:
        token = self.token().json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(
        self, query: object, customer: str = MAIN, version: str = "v26", **headers: str | None
    ) -> requests.Response:
        """The answer to a query; `headers` are set or, with none, left out."""
        body = query if isinstance(query, dict) else {"query": query}
        return self.session.post(
            f"{self.url}/{version}/customers/{customer}/googleAds:searchStream", json=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},  # type: ignore[arg-type]
            timeout=10,
        )  # fmt: skip

    def rows(self, query: str, customer: str = MAIN) -> list[Document]:
        answer = self.ask(query, customer)
        assert answer.status_code == 200, answer.text
        return [row for batch in answer.json() for row in batch.get("results", [])]

    def error(self, *asked: Any, **headers: str | None) -> tuple[int, str, str]:
        """Status, and kind and code of the failure, of a query that is refused."""
        answer = self.ask(*asked, **headers)
        [document] = answer.json()
        problem = document["error"]
        assert problem["code"] == answer.status_code
        [failure] = problem["details"]
        assert failure["@type"].endswith(".errors.GoogleAdsFailure")
        [[(kind, code)]] = [each["errorCode"].items() for each in failure["errors"]]
        return answer.status_code, kind, code


@pytest.fixture
def client(served: tuple[GoogleAdsApi, str], api: GoogleAdsApi) -> Client:
    return Client(served[1])


def told(rows: list[Document]) -> dict[Key, tuple[Decimal, ...]]:
    """Figures of rows by campaign, ad if it has one, and day; what is not told is zero."""
    found: dict[Key, tuple[Decimal, ...]] = {}
    for row in rows:
        ad = row.get("adGroupAd", {}).get("ad", {}).get("id", "")
        key = (row["campaign"]["id"], ad, row["segments"]["date"])
        assert key not in found
        metrics = row["metrics"]
        found[key] = tuple(Decimal(str(metrics.get(catalogue.camel(name), 0))) for name in FIGURES)
    return found


def simulated(world: World, customer: str, of_ads: bool) -> dict[Key, tuple[Decimal, ...]]:
    """The same figures by the world's own table of spend, added up here."""
    state = world.state
    number = [account.id for account in AD_ACCOUNTS].index(customer)
    spend, campaigns = state["spend_daily"], state["campaigns"]
    rendered = world.table("spend_daily").to_pylist()
    sums: dict[Key, Counter[str]] = defaultdict(Counter)
    for row, shown in enumerate(rendered):
        if shown["is_deleted"] or campaigns["ad_account"][spend["campaign_id"][row]] != number:
            continue
        ad = int(spend["ad"][row])
        if of_ads and (ad == NONE or state["ads"]["is_deleted"][ad]):
            continue
        name = source_ids("ads", np.array([ad]))[0].as_py() if of_ads else ""
        key = (shown["campaign_id"], name, shown["day"].isoformat())
        sums[key].update(
            impressions=shown["impressions"], clicks=shown["clicks"],
            cost_micros=int(shown["spend"] * 1_000_000), conversions=shown["conversions"],
            conversions_value=shown["conversion_value"],
        )  # fmt: skip
    return {
        key: tuple(Decimal(values[name]) for name in FIGURES)
        for key, values in sums.items()
        if any(values.values())
    }


# Figures.


@pytest.mark.parametrize("customer", [MAIN, WEST])
def test_figures_of_campaigns_and_ads_are_the_worlds(
    client: Client, world: World, customer: str
) -> None:
    campaigns = told(client.rows(f"{BY_CAMPAIGN} {EVER}", customer))
    assert campaigns == simulated(world, customer, of_ads=False) != {}
    ads = told(client.rows(f"{BY_AD} {EVER}", customer))
    assert ads == simulated(world, customer, of_ads=True) != {}


def test_campaigns_have_more_than_their_ads_and_sometimes_less(client: Client) -> None:
    beyond: Counter[str] = Counter()
    for customer in (MAIN, WEST):
        kinds = client.rows(
            "SELECT campaign.id, campaign.advertising_channel_type FROM campaign", customer
        )
        whole = {
            row["campaign"]["id"]
            for row in kinds
            if row["campaign"]["advertisingChannelType"] == "PERFORMANCE_MAX"
        }
        spent: Counter[tuple[str, str]] = Counter()
        for (campaign, _, day), figures in told(client.rows(f"{BY_AD} {EVER}", customer)).items():
            assert campaign not in whole
            spent[campaign, day] += int(figures[2])
        for (campaign, _, day), figures in told(
            client.rows(f"{BY_CAMPAIGN} {EVER}", customer)
        ).items():
            rest = int(figures[2]) - spent[campaign, day]
            if campaign in whole:
                beyond["performance_max"] += 1
            elif rest:
                beyond["credit" if rest < 0 else "deleted ad"] += 1
    assert set(beyond) == {"performance_max", "credit", "deleted ad"}


def test_a_day_that_is_not_over_is_told_so_far(client: Client, world: World) -> None:
    local = world.now.astimezone(ZoneInfo("America/Los_Angeles"))
    assert local.date() == world.now.date() - dt.timedelta(days=1)
    today = client.rows(f"{BY_CAMPAIGN} WHERE segments.date DURING TODAY", WEST)
    assert {row["segments"]["date"] for row in today} == {local.date().isoformat()}
    state = world.state
    live = (state["spend_daily"]["is_partial"] == 1) & (state["spend_daily"]["is_deleted"] == 0)
    cents = int(state["spend_daily"]["spend"][live].sum())
    assert sum(int(row["metrics"]["costMicros"]) for row in today) == cents * 10_000 > 0
    assert client.rows(f"{BY_CAMPAIGN} WHERE segments.date DURING TODAY", MAIN) == []


def test_figures_of_longer_times_are_those_of_their_days(client: Client) -> None:
    days = client.rows(f"{BY_CAMPAIGN} {EVER}")
    starts: dict[str, Callable[[dt.date], dt.date]] = {
        "week": lambda day: day - dt.timedelta(days=day.weekday()),
        "month": lambda day: day.replace(day=1),
        "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    }
    for name, start in starts.items():
        wanted: Counter[Key] = Counter()
        for row in days:
            day = start(dt.date.fromisoformat(row["segments"]["date"]))
            wanted[row["campaign"]["id"], day.isoformat()] += int(row["metrics"].get("clicks", 0))
        query = f"SELECT campaign.id, segments.{name}, metrics.clicks FROM campaign {EVER}"
        found = {
            (row["campaign"]["id"], row["segments"][name]): int(row["metrics"].get("clicks", 0))
            for row in client.rows(query)
        }
        assert found == {key: clicks for key, clicks in wanted.items() if clicks}
    weekdays = client.rows(
        "SELECT customer.id, segments.day_of_week, segments.year, metrics.clicks "
        f"FROM customer {EVER}"
    )
    assert len(weekdays) == 7
    assert {row["segments"]["year"] for row in weekdays} == {2023}
    clicks = sum(int(row["metrics"].get("clicks", 0)) for row in days)
    assert sum(int(row["metrics"]["clicks"]) for row in weekdays) == clicks
    [whole] = client.rows(f"SELECT customer.id, metrics.clicks FROM customer {EVER}")
    assert int(whole["metrics"]["clicks"]) == clicks


def test_rows_without_activity_are_in_no_segmented_report(client: Client) -> None:
    nothing = "WHERE segments.date = '2022-12-31'"
    everything = client.rows(f"SELECT campaign.id, metrics.clicks FROM campaign {nothing}")
    assert len(everything) == len(client.rows("SELECT campaign.id FROM campaign")) > 0
    assert not any(int(row.get("metrics", {}).get("clicks", 0)) for row in everything)
    assert client.rows(f"{BY_CAMPAIGN} {nothing}") == []
    converted = f"SELECT campaign.id, segments.date, metrics.conversions FROM campaign {EVER}"
    rows = client.rows(converted)
    assert all(row["metrics"]["conversions"] for row in rows)
    assert 0 < len(rows) < len(client.rows(f"{BY_CAMPAIGN} {EVER}"))


def test_removed_campaigns_are_listed_and_have_their_figures(client: Client) -> None:
    query = "SELECT campaign.id FROM campaign WHERE campaign.status = 'REMOVED'"
    removed = {
        row["campaign"]["id"] for customer in (MAIN, WEST) for row in client.rows(query, customer)
    }
    reported = {
        key[0]
        for customer in (MAIN, WEST)
        for key in told(client.rows(f"{BY_CAMPAIGN} {EVER}", customer))
    }
    assert removed
    assert removed < reported


def test_zeros_are_told_or_left_out(client: Client) -> None:
    rows = client.rows(f"{BY_AD} {EVER}")
    forms = Counter(row["metrics"].get("conversions", "left out") for row in rows)
    assert forms[0.0] > 0
    assert forms["left out"] > 0
    assert {type(row["metrics"]["costMicros"]) for row in rows} == {str}


# What there is.


def test_campaigns_are_as_the_world_has_them(client: Client, world: World) -> None:
    known = {row["source_id"]: row for row in world.table("campaigns").to_pylist()}
    query = (
        "SELECT campaign.id, campaign.name, campaign.start_date_time, campaign.end_date_time, "
        "campaign_budget.total_amount_micros, customer.currency_code FROM campaign"
    )
    found = [row for customer in (MAIN, WEST) for row in client.rows(query, customer)]
    assert {row["campaign"]["id"] for row in found} == {
        key for key, row in known.items() if row["platform"] == "google_ads"
    }
    for row in found:
        shown, own = row["campaign"], known[row["campaign"]["id"]]
        assert shown["name"] == own["name"]
        assert shown["startDateTime"] == f"{own['started_on']} 00:00:00"
        ended = own["ended_on"]
        assert shown.get("endDateTime") == (f"{ended} 23:59:59" if ended else None)
        budget = int(row["campaignBudget"]["totalAmountMicros"])
        assert budget == own["budget"] * 1_000_000
        assert row["customer"]["currencyCode"] == own["currency"]
    assert any(row["campaign"]["name"].endswith(" v2") for row in found)


def test_a_manager_shows_what_is_under_it(client: Client) -> None:
    query = (
        "SELECT customer_client.id, customer_client.manager, customer_client.status, "
        "customer_client.level, customer_client.currency_code, customer_client.time_zone "
        "FROM customer_client"
    )
    seen = [row["customerClient"] for row in client.rows(query, GOOGLE_MANAGER)]
    assert [(row["id"], row["manager"], row["level"], row["status"]) for row in seen] == [
        (GOOGLE_MANAGER, True, "0", "ENABLED"),
        (MAIN, False, "1", "ENABLED"),
        (WEST, False, "1", "ENABLED"),
        (CLOSED, False, "1", "CANCELED"),
    ]
    assert (seen[2]["currencyCode"], seen[2]["timeZone"]) == ("EUR", "America/Los_Angeles")
    [alone] = client.rows(query, MAIN)
    assert (alone["customerClient"]["id"], alone["customerClient"]["level"]) == (MAIN, "0")
    leaves = client.rows(f"{query} WHERE customer_client.manager = FALSE", GOOGLE_MANAGER)
    assert len(leaves) == 3


def test_accounts_are_reached_through_the_manager_or_directly(
    client: Client, api: GoogleAdsApi
) -> None:
    listed = client.session.get(f"{client.url}/v26/customers:listAccessibleCustomers", timeout=10)
    assert listed.json() == {"resourceNames": [f"customers/{GOOGLE_MANAGER}", f"customers/{MAIN}"]}
    query = "SELECT customer.id FROM customer"
    assert client.ask(query, MAIN, login_customer_id=None).status_code == 200
    denied = (403, "authorizationError", "USER_PERMISSION_DENIED")
    assert client.error(query, WEST, login_customer_id=None) == denied
    assert client.error(query, WEST, login_customer_id=MAIN) == denied
    assert client.error(query, "7309999999") == denied
    closed = (403, "authorizationError", "CUSTOMER_NOT_ENABLED")
    assert client.error(query, CLOSED) == closed
    api.faults = Faults(forbidden=(WEST,))
    assert client.error(query, WEST) == denied
    query = "SELECT customer_client.id FROM customer_client"
    assert WEST not in [row["customerClient"]["id"] for row in client.rows(query, GOOGLE_MANAGER)]


# Queries.

WORDS = st.from_regex(r"[a-z][a-z_]{0,8}\.[a-z_]{1,9}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\\\n", exclude_categories=("Cs",)), max_size=9)
CONDITIONS = st.builds(
    Condition, WORDS, st.sampled_from(["=", "!=", ">=", "LIKE"]), st.tuples(TEXTS)
) | st.builds(
    Condition, WORDS, st.sampled_from(["IN", "NOT IN"]), st.lists(TEXTS, min_size=1).map(tuple)
)
QUERIES = st.builds(
    Query, st.lists(WORDS, min_size=1, max_size=4).map(tuple), st.sampled_from(["campaign", "a_b"]),
    st.lists(CONDITIONS, max_size=3).map(tuple),
    st.lists(st.tuples(WORDS, st.booleans()), max_size=2).map(tuple),
    st.none() | st.integers(1, 10_000),
)  # fmt: skip


def written(query: Query) -> str:
    """A query as its language has it."""

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "\\'") + "'"

    text = f"SELECT {', '.join(query.fields)}\nFROM {query.resource}"
    for nth, condition in enumerate(query.conditions):
        values = ", ".join(quoted(value) for value in condition.values)
        listed = f"({values})" if condition.operator in ("IN", "NOT IN") else values
        text += f"{' AND' if nth else ' WHERE'} {condition.field} {condition.operator} {listed}"
    if query.order:
        orders = (f"{name} {'DESC' if falls else 'asc'}" for name, falls in query.order)
        text += f" ORDER BY {','.join(orders)}"
    return text + (f" LIMIT {query.limit}" if query.limit else "")


@settings(max_examples=60, deadline=None)
@given(QUERIES)
def test_what_is_written_is_parsed(query: Query) -> None:
    assert parse(written(query)) == query


def test_a_query_is_parsed() -> None:
    asked = parse(
        "select campaign.id , metrics.clicks\nFROM campaign WHERE segments.date "
        "BETWEEN '2026-01-01' AND \"2026-01-31\" AND campaign.status NOT IN (PAUSED, 'REMOVED') "
        "AND campaign.id != -12 AND campaign.end_date_time IS NOT NULL "
        "AND campaign.name LIKE 'it\\'s, (a)%' "
        "ORDER BY metrics.clicks DESC, campaign.id LIMIT 5 PARAMETERS include_drafts=true"
    )
    assert asked.fields == ("campaign.id", "metrics.clicks")
    assert asked.conditions == (
        Condition("segments.date", "BETWEEN", ("2026-01-01", "2026-01-31")),
        Condition("campaign.status", "NOT IN", ("PAUSED", "REMOVED")),
        Condition("campaign.id", "!=", ("-12",)),
        Condition("campaign.end_date_time", "IS NOT NULL", ()),
        Condition("campaign.name", "LIKE", ("it's, (a)%",)),
    )
    assert asked.order == (("metrics.clicks", True), ("campaign.id", False))
    assert (asked.limit, asked.parameters) == (5, (("include_drafts", "true"),))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FROM campaign", "EXPECTED_SELECT"),
        ("SELECT campaign.id", "EXPECTED_FROM"),
        ("SELECT FROM campaign", "UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT campaign.id, FROM campaign", "UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM campaign WHERE", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id ~ 1", "UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IS 1", "BAD_OPERATOR"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN 1", "EXPECTED_LIST"),
        (
            "SELECT campaign.id FROM campaign WHERE campaign.id IN ()",
            "PROHIBITED_EMPTY_LIST_IN_CONDITION",
        ),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = 'x", "STRING_NOT_TERMINATED"),
        ("SELECT campaign.id FROM campaign WHERE segments.date > 2026-01-01", "UNEXPECTED_INPUT"),
        (
            "SELECT campaign.id FROM campaign WHERE campaign.id = 1 OR campaign.id = 2",
            "UNEXPECTED_INPUT",
        ),
        ("SELECT campaign.id FROM campaign ORDER campaign.id", "EXPECTED_BY"),
        ("SELECT campaign.id FROM campaign LIMIT 0", "LIMIT_VALUE_TOO_LOW"),
        ("SELECT campaign.id FROM campaign LIMIT x", "BAD_LIMIT_VALUE"),
    ],
)
def test_what_is_no_query_is_refused(text: str, code: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("query", "kind", "code"),
    [
        ("SELECT campaign.start_date FROM campaign", "queryError", "UNRECOGNIZED_FIELD"),
        ("SELECT metrics.cost FROM campaign", "queryError", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaigns", "queryError", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT ad_group.id FROM campaign", "queryError",
         "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT campaign_budget.id FROM ad_group_ad", "queryError",
         "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE ad_group.id = 1", "queryError",
         "PROHIBITED_RESOURCE_TYPE_IN_WHERE_CLAUSE"),
        ("SELECT customer_client.id, metrics.clicks FROM customer_client", "queryError",
         "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"),
        ("SELECT campaign.id, segments.date FROM campaign", "queryError",
         "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT segments.date FROM campaign WHERE segments.date >= '2023-01-01'", "queryError",
         "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT campaign.id FROM campaign WHERE segments.day_of_week = MONDAY", "queryError",
         "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign ORDER BY metrics.clicks", "queryError",
         "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.status = 'ACTIVE'", "queryError",
         "BAD_ENUM_CONSTANT"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 'x'", "queryError", "BAD_NUMBER"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id LIKE '1%'", "queryError",
         "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE segments.date = '1.1.2023'", "queryError",
         "INVALID_DATE_FORMAT"),
        ("SELECT campaign.id FROM campaign WHERE segments.month = '2023-01-02'", "queryError",
         "MISALIGNED_DATE_FOR_FILTER"),
        ("SELECT campaign.id FROM campaign WHERE segments.year DURING LAST_MONTH", "queryError",
         "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE segments.date DURING LAST_90_DAYS", "queryError",
         "INVALID_VALUE_WITH_DURING_OPERATOR"),
        ("SELECT campaign.id FROM campaign WHERE segments.date > '2023-02-01' AND "
         "segments.date < '2023-01-01'", "dateRangeError", "START_DATE_AFTER_END_DATE"),
        ("SELECT campaign.id FROM campaign PARAMETERS drafts=true", "queryError",
         "BAD_PARAMETER_NAME"),
        ("", "requestError", "REQUIRED_FIELD_MISSING"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused(client: Client, query: str, kind: str, code: str) -> None:
    assert client.error(query) == (400, kind, code)


def test_a_manager_has_no_figures(client: Client) -> None:
    refused = (400, "queryError", "REQUESTED_METRICS_FOR_MANAGER")
    assert client.error(f"{BY_CAMPAIGN} {EVER}", GOOGLE_MANAGER) == refused
    assert client.rows("SELECT campaign.id FROM campaign", GOOGLE_MANAGER) == []


def test_days_are_had_for_37_months_and_months_for_longer(client: Client, world: World) -> None:
    today = world.now.date()
    last = dt.date(today.year - 3, today.month, 1) - dt.timedelta(days=31)
    lasts, over = last.replace(day=min(today.day, 28)), dt.timedelta(days=1)
    until = f"AND segments.date <= '{today}'"
    assert client.rows(f"{BY_CAMPAIGN} WHERE segments.date >= '{lasts}' {until}")
    refused = (400, "dateRangeError", "REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED")
    assert client.error(f"{BY_CAMPAIGN} WHERE segments.date >= '{lasts - over}' {until}") == refused
    by_month = "SELECT segments.month, metrics.clicks FROM customer WHERE segments.date"
    assert client.error(f"{by_month} >= '{lasts - over}' {until}") == refused
    assert client.rows(f"{by_month} BETWEEN '2020-01-01' AND '2023-06-30'")


def test_rows_are_chosen_ordered_and_limited(client: Client) -> None:
    query = "SELECT campaign.id, campaign.name, metrics.clicks FROM campaign"
    rows = client.rows(query)
    clicks = {row["campaign"]["id"]: int(row["metrics"].get("clicks", 0)) for row in rows}
    most = sorted(clicks.values(), reverse=True)
    found = client.rows(f"{query} ORDER BY metrics.clicks DESC LIMIT 2")
    assert [clicks[row["campaign"]["id"]] for row in found] == most[:2]
    some = [*clicks][:2]
    for condition, wanted in {
        f"campaign.id IN ({some[0]}, '{some[1]}')": set(some),
        f"campaign.id NOT IN ({some[0]})": set(clicks) - {some[0]},
        f"metrics.clicks > {most[1]}": {key for key in clicks if clicks[key] > most[1]},
        "campaign.status IN (ENABLED, 'REMOVED') AND campaign.name LIKE '%camp_ign%'": set(clicks),
        "campaign.end_date_time IS NULL AND campaign.end_date_time IS NOT NULL": set(),
    }.items():
        assert {
            row["campaign"]["id"] for row in client.rows(f"{query} WHERE {condition}")
        } == wanted


def test_names_of_resources_come_with_their_fields(client: Client) -> None:
    query = "SELECT ad_group_ad.ad.id, campaign.id, metrics.clicks FROM ad_group_ad LIMIT 1"
    [row] = client.rows(query)
    assert set(row) == {"adGroupAd", "campaign", "metrics"}
    assert row["campaign"]["resourceName"].startswith(f"customers/{MAIN}/campaigns/")
    assert row["adGroupAd"]["resourceName"].endswith(f"~{row['adGroupAd']['ad']['id']}")
    [bare] = client.rows(f"{query} PARAMETERS omit_unselected_resource_names = true")
    ad = row["adGroupAd"]["ad"]["id"]
    assert bare["adGroupAd"] == {"ad": {"id": ad}}
    assert bare["campaign"] == {"id": row["campaign"]["id"]}


def test_a_stream_is_an_array_of_objects_with_some_rows(
    client: Client, api: GoogleAdsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = client.rows(f"{BY_AD} {EVER}")
    monkeypatch.setattr(answers, "BATCH", 100)
    batches = client.ask(f"{BY_AD} {EVER}").json()
    assert [len(batch["results"]) for batch in batches[:-1]] == [100] * (len(batches) - 1)
    assert [row for batch in batches for row in batch["results"]] == rows
    mask = "campaign.id,adGroup.id,adGroupAd.ad.id,segments.date,metrics.impressions"
    assert {batch["fieldMask"].startswith(mask) for batch in batches} == {True}
    [empty] = client.ask(f"{BY_AD} WHERE segments.date = '2022-12-31'").json()
    assert set(empty) == {"fieldMask", "requestId", "queryResourceConsumption"}
    assert api.requests[-2].rows == len(rows)


# Access.


def test_a_refresh_token_is_good_for_access_tokens(client: Client) -> None:
    granted = client.token().json()
    assert granted["token_type"] == "Bearer"
    assert granted["access_token"] != client.token().json()["access_token"]
    assert SECRET not in str(granted)
    for changed, status, error in (
        ({"refresh_token": "x"}, 400, "invalid_grant"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"client_id": "x"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ):
        answer = client.token(**changed)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
    form = {"grant_type": "refresh_token", "client_id": "sandbox", "client_secret": SECRET}
    assert requests.post(f"{client.url}/token", json=form, timeout=10).status_code == 400
    assert requests.get(f"{client.url}/token", timeout=10).status_code == 404


def test_an_access_token_dies_after_some_requests(client: Client, api: GoogleAdsApi) -> None:
    api.faults = Faults(token_requests=2)
    client.renew()
    query = "SELECT customer.id FROM customer"
    assert [client.ask(query).status_code for _ in range(3)] == [200, 200, 401]
    expired = (401, "authenticationError", "OAUTH_TOKEN_EXPIRED")
    assert client.error(query) == expired
    client.renew()
    assert client.ask(query).status_code == 200


def test_headers_are_needed_but_a_developer_token_is_ignored(client: Client) -> None:
    query = "SELECT customer.id FROM customer"
    for headers, refused in (
        ({"Authorization": None}, (401, "authenticationError", "OAUTH_TOKEN_HEADER_INVALID")),
        ({"Authorization": "Bearer x"}, (401, "authenticationError", "OAUTH_TOKEN_INVALID")),
        ({"login_customer_id": "730-000-0000"}, (400, "headerError", "INVALID_LOGIN_CUSTOMER_ID")),
    ):
        assert client.error(query, **headers) == refused
    assert client.ask(query, developer_token="whatever").status_code == 200


def test_addresses_and_bodies_are_googles(client: Client) -> None:
    query = "SELECT customer.id FROM customer"
    assert client.error(query, "730-100-0001") == (400, "requestError", "INVALID_CUSTOMER_ID")
    assert client.error(query, MAIN, "v20") == (400, "requestError", "UNSUPPORTED_VERSION")
    assert client.ask(query, MAIN, "v99").status_code == 404
    assert client.ask(query, MAIN, "v25").status_code == 200
    unknown = client.ask({"query": query, "pageSize": 5})
    assert unknown.status_code == 400
    assert 'Unknown name "pageSize"' in unknown.json()[0]["error"]["message"]
    page = client.session.get(f"{client.url}/v26/customers/{MAIN}", timeout=10)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=UTF-8")


# Faults.


def test_a_stream_may_break_off_with_an_error(client: Client, api: GoogleAdsApi) -> None:
    rows = client.rows(f"{BY_CAMPAIGN} {EVER}")
    api.faults = Faults(duplicate=1.0)
    answer = client.ask(f"{BY_CAMPAIGN} {EVER}")
    assert answer.status_code == 200
    *batches, last = answer.json()
    assert last["error"]["status"] == "UNAVAILABLE"
    told_rows = [row for batch in batches for row in batch["results"]]
    assert told_rows == rows[: len(rows) // 2]


def test_limits_and_failures_are_told_as_google_does(client: Client, api: GoogleAdsApi) -> None:
    api.faults = Faults(rate_limited=1.0, retry_after_seconds=7)
    query = "SELECT customer.id FROM customer"
    limited = client.ask(query)
    assert limited.status_code == 429
    [error] = limited.json()[0]["error"]["details"][0]["errors"]
    assert error["details"]["quotaErrorDetails"]["retryDelay"] == "7s"
    api.faults = Faults(server_error=1.0)
    assert client.error(query) == (503, "internalError", "TRANSIENT_ERROR")


def test_rows_may_come_in_another_order_unless_it_is_asked_for(
    client: Client, api: GoogleAdsApi
) -> None:
    ordered = f"{BY_CAMPAIGN} {EVER} ORDER BY segments.date, campaign.id"
    rows, in_order = client.rows(f"{BY_CAMPAIGN} {EVER}"), client.rows(ordered)
    api.faults = Faults(out_of_order=True)
    shuffled = client.rows(f"{BY_CAMPAIGN} {EVER}")
    assert shuffled != rows
    assert sorted(map(json.dumps, shuffled)) == sorted(map(json.dumps, rows))
    assert client.rows(ordered) == in_order


# Google's own types.


@pytest.fixture(scope="module")
def protos() -> Mapping[str, Any]:
    """Messages of the SDK: rows, answers and failures."""
    pytest.importorskip("google.ads.googleads", reason="needs the extra `referees`: google-ads")
    root = "google.ads.googleads.v26"
    service = importlib.import_module(f"{root}.services.types.google_ads_service")
    errors = importlib.import_module(f"{root}.errors.types.errors")
    accounts = importlib.import_module(f"{root}.services.types.customer_service")
    return {
        "row": service.GoogleAdsRow.pb(), "answer": service.SearchGoogleAdsStreamResponse.pb(),
        "failure": errors.GoogleAdsFailure.pb(),
        "accounts": accounts.ListAccessibleCustomersResponse.pb(),
    }  # fmt: skip


def same(document: Document, message: Any) -> None:
    """A document is what its message's JSON is."""
    json_format = importlib.import_module("google.protobuf.json_format")
    assert json_format.MessageToDict(json_format.ParseDict(document, message())) == document


def test_every_field_is_one_of_googles(protos: Mapping[str, Any]) -> None:
    numbers = {"id": 3, "count": 3, "year": 5, "share": 1, "bool": 8, "enum": 14}
    groups = {**catalogue.RESOURCES, "metrics": catalogue.METRICS, "segments": catalogue.SEGMENTS}
    for root, fields in groups.items():
        for name, kind in fields.items():
            message = protos["row"].DESCRIPTOR
            for part in f"{root}.{name}".split("."):
                known = message.fields_by_name
                field = known.get(part) or known[f"{part}_"]
                message = field.message_type
            assert field.type == numbers.get(kind.kind, 9), (root, name)
            if kind.kind == "enum":
                assert set(kind.values) <= {value.name for value in field.enum_type.values}


def test_every_answer_is_one_of_googles_messages(client: Client, protos: Mapping[str, Any]) -> None:
    for resource, fields in catalogue.RESOURCES.items():
        reached = [resource, *catalogue.ATTRIBUTED[resource]]
        names = [f"{each}.{name}" for each in reached for name in catalogue.RESOURCES[each]]
        plain = f"SELECT {', '.join(names)} FROM {resource}"
        figures = [f"metrics.{name}" for name in catalogue.METRICS]
        segments = [f"segments.{name}" for name in catalogue.SEGMENTS]
        full = f"SELECT {', '.join([*names, *figures, *segments])} FROM {resource} {EVER} LIMIT 300"
        queries = [plain] if resource in catalogue.WITHOUT_METRICS else [plain, full]
        for query in queries:
            for customer in (GOOGLE_MANAGER,) if resource == "customer_client" else (MAIN, WEST):
                for batch in client.ask(query, customer).json():
                    assert batch["results"]
                    same(batch, protos["answer"])
        assert fields
    listed = client.session.get(f"{client.url}/v26/customers:listAccessibleCustomers", timeout=10)
    same(listed.json(), protos["accounts"])


def test_every_failure_is_one_of_googles_messages(
    client: Client, api: GoogleAdsApi, protos: Mapping[str, Any]
) -> None:
    query = "SELECT customer.id FROM customer"
    refused = [
        client.ask("SELECT x.y FROM campaign"), client.ask(""), client.ask(query, CLOSED),
        client.ask(query, Authorization="Bearer x"), client.ask(query, login_customer_id="x"),
        client.ask(query, version="v20"), client.ask(f"{BY_CAMPAIGN} {EVER}", GOOGLE_MANAGER),
        client.ask(f"{BY_CAMPAIGN} WHERE segments.date BETWEEN '2010-01-01' AND '2023-01-01'"),
    ]  # fmt: skip
    api.faults = Faults(rate_limited=1.0)
    refused.append(client.ask(query))
    api.faults = Faults(server_error=1.0)
    refused.append(client.ask(query))
    for answer in refused:
        [failure] = answer.json()[0]["error"]["details"]
        del failure["@type"]
        same(failure, protos["failure"])
