"""Google's own SDK reads the sandbox through a bridge, and gets what the connector loads."""

from __future__ import annotations

import copy
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

pytest.importorskip(
    "google.ads.googleads", reason="the vendors' SDKs are not installed: make referees"
)
import grpc
from google.ads.googleads.client import GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException
from google.auth.exceptions import RefreshError
from google_bridge import access_token, sdk
from google_protos import VERSION, message, misfits, of_error, refusals, round_trip

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.google_ads.api import GoogleAdsApi
from ingestion.sandbox.systems.google_ads.catalogue import METRICS, RESOURCES, SEGMENTS
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS, GOOGLE_MANAGER
from ingestion.sandbox.world.calendar import START
from ingestion.sources.google_ads import queries
from ingestion.sources.google_ads.settings import VERSION as ASKED_VERSION
from tests.advertiser import Advertiser, Row
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.thorough import thorough
from tests.wire import Exchange, overheard

SECRET = "gads-secret-of-the-test"
ACCOUNTS = [account for account in AD_ACCOUNTS if account.platform == "google_ads"]
MICROS = 1_000_000
SETTINGS = f'    manager: "{GOOGLE_MANAGER}"\n    since: {START}\n'
"""Nothing was before the world."""
WITHIN = f"WHERE segments.date BETWEEN '{START}' AND '{START + dt.timedelta(days=400)}'"
DAYS = f"SELECT campaign.id, metrics.clicks, segments.date FROM campaign {WITHIN}"
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
    for name in ("DEVELOPER_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"):
        monkeypatch.setenv(f"GOOGLE_ADS_{name}", "")
    api = GoogleAdsApi(copy.deepcopy(grown_world), SECRET)
    with serving(api) as url:
        yield Advertiser("google_ads", url, SECRET, api, tmp_path, SETTINGS)


@pytest.fixture
def google(account: Advertiser) -> Iterator[GoogleAdsClient]:
    """The SDK, led to the sandbox as the manager's user."""
    with reaching(account) as client:
        yield client


def reaching(account: Advertiser) -> AbstractContextManager[GoogleAdsClient]:
    """The SDK with an access token of its own."""
    token = access_token(account.url, SECRET)
    return sdk(account.url, token=token, developer_token=SECRET, manager=GOOGLE_MANAGER)


class Readings:
    """The accounts as the SDK reads them: what raw should have of each table."""

    def __init__(self, client: GoogleAdsClient) -> None:
        self._service = client.get_service("GoogleAdsService")
        self._clients = [
            row.customer_client
            for row in self.rows(
                GOOGLE_MANAGER,
                "SELECT customer_client.id, customer_client.descriptive_name, "
                "customer_client.currency_code, customer_client.time_zone FROM customer_client "
                "WHERE customer_client.manager = FALSE AND customer_client.status = ENABLED",
            )
        ]

    def rows(self, customer: str, query: str) -> list[Any]:
        """All rows of a query."""
        stream = self._service.search_stream(customer_id=customer, query=query)
        return [row for batch in stream for row in batch.results]

    def accounts(self) -> dict[str, Row]:
        """Names, currencies and zones."""
        return {
            str(it.id): {
                "name": it.descriptive_name, "currency": it.currency_code,
                "timezone": it.time_zone, "manager": GOOGLE_MANAGER,
            }
            for it in self._clients
        }  # fmt: skip

    def campaigns(self) -> dict[str, Row]:
        """Names, kinds and statuses, removed ones included."""
        return {
            str(row.campaign.id): {
                "account": account, "name": row.campaign.name,
                "kind": row.campaign.advertising_channel_type.name,
                "status": row.campaign.status.name,
                "started_on": dt.date.fromisoformat(row.campaign.start_date_time[:10]),
            }
            for account in self.accounts()
            for row in self.rows(
                account,
                "SELECT campaign.id, campaign.name, campaign.status, campaign.start_date_time, "
                "campaign.advertising_channel_type FROM campaign ORDER BY campaign.id",
            )
        }  # fmt: skip

    def days(self, resource: str, ids: tuple[str, ...], until: dt.date) -> dict[str, Row]:
        """What each campaign or ad came to on each day; `ids` are the fields that tell them."""
        found: dict[str, Row] = {}
        fields = ", ".join(ids)
        for account in self.accounts():
            for row in self.rows(
                account,
                f"SELECT {fields}, segments.date, metrics.cost_micros, metrics.clicks, "
                "metrics.impressions, metrics.conversions, metrics.conversions_value "
                f"FROM {resource} WHERE segments.date >= '{START}' AND segments.date <= '{until}'",
            ):
                key = [str(_at(row, name)) for name in ids]
                id = "/".join([account, *key, row.segments.date])
                assert id not in found
                found[id] = {
                    "spend": Decimal(row.metrics.cost_micros) / MICROS,
                    "clicks": row.metrics.clicks, "impressions": row.metrics.impressions,
                    "conversions": Decimal(str(row.metrics.conversions)),
                    "conversion_value": Decimal(str(row.metrics.conversions_value)),
                }  # fmt: skip
        return found


def _at(row: Any, path: str) -> Any:
    for part in path.split("."):
        row = getattr(row, part)
    return row


def assert_same_records(account: Advertiser, google: GoogleAdsClient) -> None:
    """Raw has what the SDK reads, value by value, and nothing else that is not deleted."""
    read = Readings(google)
    until = account.api.world.now.date()
    of_ads = ("campaign.id", "ad_group.id", "ad_group_ad.ad.id")
    expected = {
        "accounts": read.accounts(),
        "campaigns": read.campaigns(),
        "campaign_days": read.days("campaign", ("campaign.id",), until),
        "ad_days": read.days("ad_group_ad", of_ads, until),
    }
    for table, rows in expected.items():
        found = account.raw(table)
        if table == "accounts":
            found = {id: row for id, row in found.items() if row["status"] == "ENABLED"}
        assert found.keys() == rows.keys(), table
        for id, row in rows.items():
            assert {name: found[id][name] for name in row} == row, (table, id)


def test_sdk_and_connector_read_the_same_records(
    account: Advertiser, google: GoogleAdsClient
) -> None:
    account.sync()
    assert_same_records(account, google)
    assert {*account.raw("accounts")} >= {it.id for it in ACCOUNTS}
    days, ads = account.raw("campaign_days"), account.raw("ad_days")
    assert min(len(days), len(ads)) > 100
    assert {row["campaign"] for row in days.values()} - {row["campaign"] for row in ads.values()}
    assert {row["currency"] for row in days.values()} == {it.currency for it in ACCOUNTS}


def test_sdk_and_connector_read_the_same_records_after_each_increment(
    account: Advertiser, google: GoogleAdsClient
) -> None:
    account.sync()
    for days in (1, 6, 1):
        account.pass_days(days)
        account.sync()
        assert_same_records(account, google)


def test_sdk_and_connector_read_the_same_records_after_faults(
    account: Advertiser,
) -> None:
    for seed in range(2):
        account.api.faults = replace(ALL_AT_ONCE, drift={}, seed=seed, token_requests=9)
        account.sync()
        account.pass_days()
    account.api.faults = Faults()
    account.sync()
    with reaching(account) as google:
        assert_same_records(account, google)


def streamed(heard: list[Exchange]) -> list[Exchange]:
    return [it for it in heard if it.path.endswith(":searchStream")]


def test_every_answer_is_as_googles_messages_have_it(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
        account.pass_days()
        account.sync()
    wrong, rows = Counter[str](), 0
    for it in streamed(heard):
        assert it.status == 200, it.path
        wrong.update(misfits(it.told))
        rows += sum(len(batch.get("results", ())) for batch in it.told)
    assert not wrong, wrong.most_common(20)
    assert rows > 1_000


def test_answers_of_all_fields_are_as_googles_messages_have_them(account: Advertiser) -> None:
    token = access_token(account.url, SECRET)
    for resource, own in RESOURCES.items():
        fields = [f"{resource}.{name}" for name in own]
        if resource in ("campaign", "ad_group_ad"):
            fields += [f"metrics.{name}" for name in METRICS]
            fields += [f"segments.{name}" for name in SEGMENTS]
        query = f"SELECT {', '.join(fields)} FROM {resource}"
        if resource in ("campaign", "ad_group_ad"):
            query += f" {WITHIN}"
        assert refusals(query) == [], resource
        customer = GOOGLE_MANAGER if resource == "customer_client" else ACCOUNTS[0].id
        answer = asked(account, token, customer, query)
        assert answer.status_code == 200, answer.text
        assert misfits(answer.json()) == [], resource
        assert any(batch.get("results") for batch in answer.json()), resource


def asked(account: Advertiser, token: str, customer: str, query: str) -> requests.Response:
    return requests.post(
        f"{account.url}/{VERSION}/customers/{customer}/googleAds:searchStream",
        json={"query": query},
        headers={
            "Authorization": f"Bearer {token}",
            "developer-token": SECRET,
            "login-customer-id": GOOGLE_MANAGER,
        },
        timeout=20,
    )


def test_the_connector_asks_for_fields_that_googles_messages_have(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
    asked_for = {it.given["query"] for it in streamed(heard)}
    wrong = {query: found for query in asked_for if (found := refusals(query))}
    assert not wrong
    assert len(asked_for) >= 4
    assert refusals(queries.CUSTOMER) == []
    assert ASKED_VERSION == VERSION
    request = message("services.types.google_ads_service", "SearchGoogleAdsStreamRequest")
    assert {it.path.split("/")[1] for it in streamed(heard)} == {VERSION}
    for it in streamed(heard):
        assert round_trip(it.given, request) == []


def test_no_secret_is_in_an_address(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
    tokens = [it.told["access_token"] for it in heard if it.path == "/token"]
    assert tokens
    assert not [it.url for it in heard for secret in (SECRET, *tokens) if secret in it.url]


def test_accounts_to_which_the_user_was_added_are_listed(
    account: Advertiser, google: GoogleAdsClient
) -> None:
    names = google.get_service("CustomerService").list_accessible_customers().resource_names
    assert f"customers/{GOOGLE_MANAGER}" in names


def refusal(client: GoogleAdsClient, customer: str, query: str) -> tuple[str, str, grpc.StatusCode]:
    """What the SDK says of a request that is refused: kind and code of the rule, and status."""
    service = client.get_service("GoogleAdsService")
    with pytest.raises(GoogleAdsException) as refused:
        list(service.search_stream(customer_id=customer, query=query))
    [error] = refused.value.failure.errors
    kind = type(error.error_code).pb(error.error_code).WhichOneof("error_code")
    assert refused.value.request_id
    assert error.message
    return kind, getattr(error.error_code, kind).name, refused.value.error.code()


def test_errors_arrive_as_the_sdks_own(account: Advertiser, google: GoogleAdsClient) -> None:
    own, status = ACCOUNTS[0].id, grpc.StatusCode
    assert refusal(google, own, "SELECT campaign.start_date FROM campaign")[:2] == (
        "query_error",
        "UNRECOGNIZED_FIELD",
    )
    assert refusal(google, GOOGLE_MANAGER, DAYS) == (
        "query_error",
        "REQUESTED_METRICS_FOR_MANAGER",
        status.INVALID_ARGUMENT,
    )
    assert refusal(google, "7399999999", DAYS) == (
        "authorization_error",
        "USER_PERMISSION_DENIED",
        status.PERMISSION_DENIED,
    )
    with sdk(account.url, token="ya29.wrong", developer_token=SECRET) as stranger:
        kind, code, told = refusal(stranger, own, DAYS)
        assert (kind, code) == ("authentication_error", "OAUTH_TOKEN_INVALID")
        assert told == status.UNAUTHENTICATED
    account.api.faults = Faults(token_requests=1)
    with reaching(account) as expiring:
        list(expiring.get_service("GoogleAdsService").search_stream(customer_id=own, query=DAYS))
        kind, code, told = refusal(expiring, own, DAYS)
        assert (kind, code) == ("authentication_error", "OAUTH_TOKEN_EXPIRED")
        assert told == status.UNAUTHENTICATED
    account.api.faults = Faults(forbidden=(own,))
    with reaching(account) as shut_out:
        assert refusal(shut_out, own, DAYS)[1] == "USER_PERMISSION_DENIED"


def test_what_passes_is_told_as_the_sdk_expects_it(account: Advertiser) -> None:
    token = access_token(account.url, SECRET)
    for faults, status in ((Faults(rate_limited=1.0), 429), (Faults(server_error=1.0), 503)):
        account.api.faults = faults
        answer = asked(account, token, ACCOUNTS[0].id, DAYS)
        assert answer.status_code == status
        [told] = answer.json()
        assert of_error(told) == []
        assert told["error"]["status"] == {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}[status]


def test_a_stream_that_breaks_off_ends_in_an_error(account: Advertiser) -> None:
    token = access_token(account.url, SECRET)
    account.api.faults = Faults(duplicate=1.0)
    answer = asked(account, token, ACCOUNTS[0].id, DAYS)
    assert answer.status_code == 200
    assert "error" in answer.json()[-1]
    assert misfits(answer.json()) == []


@pytest.mark.parametrize(("secret", "client"), [("gads-wrong", "sandbox"), (SECRET, "stranger")])
def test_a_wrong_refresh_token_or_client_arrives_as_the_sdks_error(
    account: Advertiser, secret: str, client: str
) -> None:
    with pytest.raises(RefreshError, match=r"invalid_(grant|client)"):
        access_token(account.url, secret, client)
