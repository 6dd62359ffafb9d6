"""The sandbox's HubSpot API: pages, limits and faults are as they are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.world import World

TOKEN = "pat-test"
DEALS = "/crm/v3/objects/deals"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[HubSpotApi, str]]:
    world = World.found(seed=5, scale=0.1)
    world.advance(60)
    api = HubSpotApi(world, TOKEN)
    with serving(api) as url:
        yield api, url


@pytest.fixture
def api(served: tuple[HubSpotApi, str]) -> HubSpotApi:
    served[0].faults = Faults()
    served[0].requests.clear()
    return served[0]


class Client:
    """Asks the API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def get(self, path: str, **params: object) -> requests.Response:
        return self.session.get(self.url + path, params=params, timeout=5)

    def post(self, path: str, body: object) -> requests.Response:
        return self.session.post(self.url + path, json=body, timeout=5)

    def ids(self, path: str, **params: object) -> list[str]:
        """Ids of all pages."""
        found: list[str] = []
        after: str | None = None
        while True:
            page = self.get(path, **params, **({"after": after} if after else {})).json()
            found += [record["id"] for record in page["results"]]
            after = page.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return found


@pytest.fixture
def client(served: tuple[HubSpotApi, str], api: HubSpotApi) -> Client:
    return Client(served[1])


def search(filters: list[dict[str, Any]], **more: object) -> dict[str, object]:
    return {"filterGroups": [{"filters": filters}], "limit": 200, **more}


def test_pages_hold_every_record_once_in_order_of_id(client: Client, api: HubSpotApi) -> None:
    ids = client.ids(DEALS, limit=7)
    archived = client.ids(DEALS, limit=7, archived="true")
    assert ids == sorted(ids, key=int)
    world = api.world
    deals = world.table("opportunities")
    assert {*ids, *archived} == set(deals["source_id"].to_pylist())
    assert len(ids) + len(archived) == len(deals)


def test_a_page_out_of_order_or_twice_is_the_same_records(client: Client, api: HubSpotApi) -> None:
    straight = client.ids(DEALS, limit=7)
    api.faults = Faults(out_of_order=True)
    swapped = client.ids(DEALS, limit=7)
    assert swapped != straight
    assert sorted(swapped, key=int) == straight
    api.faults = Faults(duplicate=1.0)
    assert sorted(client.ids(DEALS, limit=7), key=int) == sorted(straight * 2, key=int)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{DEALS}?limit=101", 400),
        (f"{DEALS}?limit=51&propertiesWithHistory=amount", 400),
        (f"{DEALS}?after=x", 400),
        ("/crm/v3/objects/unicorns", 400),
        (f"{DEALS}/1", 404),
        ("/crm/v3/nothing", 404),
    ],
)
def test_a_wrong_request_gets_hubspots_error(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json().keys() == {"status", "message", "correlationId", "category"}


def test_a_wrong_token_is_unauthorized(client: Client) -> None:
    client.session.headers["Authorization"] = "Bearer other"
    answer = client.get(DEALS)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"


def test_batches_are_limited(client: Client) -> None:
    for count, history, status in ((100, [], 207), (101, [], 400), (51, ["amount"], 400)):
        body = {
            "inputs": [{"id": str(number)} for number in range(1, count + 1)],
            "properties": [], "propertiesWithHistory": history,
        }  # fmt: skip
        assert client.post(f"{DEALS}/batch/read", body).status_code == status


def test_search_filters_sorts_and_counts(client: Client) -> None:
    ids = client.ids(DEALS, limit=100)
    beyond = [{"propertyName": "hs_object_id", "operator": "GT", "value": ids[2]}]
    sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    page = client.post(f"{DEALS}/search", search(beyond, sorts=sorts, limit=5)).json()
    assert [record["id"] for record in page["results"]] == ids[3:8]
    assert page["total"] == len(ids) - 3
    assert page["paging"]["next"]["after"] == "5"
    unknown = [{"propertyName": "no_such", "operator": "EQ", "value": "1"}]
    assert client.post(f"{DEALS}/search", search(unknown)).status_code == 400


def test_search_ends_at_ten_thousand_results(client: Client) -> None:
    assert client.post(f"{DEALS}/search", search([], after="9800")).status_code == 200
    assert client.post(f"{DEALS}/search", search([], after="9801")).status_code == 400


def test_the_index_does_not_know_what_is_newer_than_its_lag(
    client: Client, api: HubSpotApi
) -> None:
    count = client.post(f"{DEALS}/search", search([])).json()["total"]
    api.faults = Faults(index_lag_seconds=20 * 86_400)
    modified = api.portal.records("deals").modified
    known = int((modified <= api.portal.now_ms - 20 * 86_400_000).sum())
    assert client.post(f"{DEALS}/search", search([])).json()["total"] == known < count


def test_beyond_the_limit_it_says_when_to_come_back(client: Client, api: HubSpotApi) -> None:
    api.faults = Faults(requests_per_interval=2, interval_seconds=60, retry_after_seconds=7)
    answers = [client.get(DEALS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert answers[2].headers["Retry-After"] == "7"
    assert answers[2].json()["errorType"] == "RATE_LIMIT"
    assert client.post(f"{DEALS}/search", search([])).status_code == 200


def test_faults_are_set_over_http_and_requests_are_logged(client: Client, api: HubSpotApi) -> None:
    told = client.session.put(
        f"{client.url}/_sandbox/faults", json={"server_error": 1.0, "burst": 1}, timeout=5
    )
    assert told.json()["server_error"] == 1.0
    assert client.get(DEALS).status_code == 502
    wrong = client.session.put(f"{client.url}/_sandbox/faults", json={"nope": 1}, timeout=5)
    assert wrong.status_code == 400
    [line] = client.get("/_sandbox/requests").text.splitlines()
    assert '"fault":"server_error"' in line


@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_connections_break(client: Client, api: HubSpotApi, fault: str) -> None:
    api.faults = Faults(**{fault: 1.0})
    with pytest.raises(requests.RequestException):
        client.get(DEALS)


def test_a_truncated_body_is_no_json(client: Client, api: HubSpotApi) -> None:
    api.faults = Faults(truncate=1.0)
    answer = client.get(DEALS)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
