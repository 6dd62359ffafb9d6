"""The vendor's own SDK reads the sandbox, and gets the records that the connector loads."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from accounts import Account
from books import KEY
from questions import OBJECTS, refusals
from readings import Readings, as_read
from typed import misfits

from ingestion.errors import SourceError
from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.stripe.api import StripeApi
from ingestion.sandbox.world import World
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.sandbox.traps import upset
from tests.thorough import thorough

DAYS = 3


SEEDS = [1, *(pytest.param(seed, marks=thorough) for seed in (2, 3))]


@pytest.fixture(scope="module", params=SEEDS)
def grown_world(request: pytest.FixtureRequest) -> World:
    """A quarter of a small company, on whose last evening all happened that money can bring."""
    world = World.found(seed=request.param, scale=0.06)
    world.advance(100)
    upset(world)
    return world


@pytest.fixture
def world(grown_world: World) -> World:
    """A world of the test's own."""
    return copy.deepcopy(grown_world)


@pytest.fixture
def account(world: World, data_folder: Path) -> Iterator[Account]:
    """The world's account behind a server that behaves."""
    api = StripeApi(world, KEY)
    with serving(api) as url:
        yield Account(url, data_folder, api=api)


def assert_same_records(account: Account) -> None:
    """Raw has what the SDK reads, value by value, and nothing else that is not deleted."""
    read = Readings(account.url)
    for table, expected in read.tables().items():
        versions = {row["source_id"]: row for row in account.versions(table)}
        found = {id: row for id, row in versions.items() if not row["is_deleted"]}
        if table == "customers":
            found |= {id: versions[id] for id in expected.keys() & versions.keys()}
        if table == "discounts":
            gone = found.keys() - expected.keys()
            assert all(found.pop(id)["ends_at"] for id in gone), gone
        assert found.keys() == expected.keys(), table
        for id, row in expected.items():
            known = {name: as_read(name, found[id][name]) for name in row}
            assert known == row, (table, id)
    assert_same_items(account, read)
    assert_same_events(account, read)


def assert_same_items(account: Account, read: Readings) -> None:
    """The last state of each subscription is what it is now."""
    states = sorted(account.raw("subscription_states").values(), key=lambda row: row["began_at"])
    last = {row["subscription"]: row["source_id"] for row in states}
    found: dict[str, dict[str, Any]] = {subscription: {} for subscription in last}
    for row in account.raw("subscription_state_items").values():
        if last[row["subscription"]] == row["state"]:
            found[row["subscription"]][row["item"]] = row["price"], row["quantity"]
    assert found == read.items()


def assert_same_events(account: Account, read: Readings) -> None:
    """All events that are still told are loaded, each once, but those of what is always listed."""
    loaded = account.read("select * from raw_stripe.events where not is_deleted")
    by_id = {row["source_id"]: row for row in loaded}
    assert len(by_id) == len(loaded)
    told = {id: row for id, row in read.events().items() if row["object"] != "invoiceitem"}
    assert not Counter(told[id]["type"] for id in told.keys() - by_id.keys())
    for id, row in told.items():
        assert {name: by_id[id][name] for name in row} == row, id


def test_sdk_and_connector_read_the_same_records(account: Account) -> None:
    account.sync()
    assert_same_records(account)
    rows = {name: len(account.raw(name)) for name in ("invoices", "invoice_lines", "refunds")}
    assert all(rows.values()), rows


def test_sdk_and_connector_read_the_same_records_after_each_increment(account: Account) -> None:
    account.sync()
    for _ in range(DAYS):
        account.pass_days()
        account.sync()
        assert_same_records(account)


def test_sdk_and_connector_read_the_same_records_after_faults(account: Account) -> None:
    for seed in range(2):
        account.api.faults = Faults.from_json({**vars(ALL_AT_ONCE), "drift": {}, "seed": seed})
        account.sync()
        account.pass_days()
    account.api.faults = Faults()
    account.sync()
    assert_same_records(account)


def test_the_connector_asks_for_nothing_that_stripe_refuses(account: Account) -> None:
    account.sync()
    account.pass_days()
    account.sync()
    refused = [it for asked in account.api.requests for it in refusals(asked.path, asked.query)]
    assert refused == []
    assert {asked.path.split("/")[2] for asked in account.api.requests} >= {"customers", "events"}


@pytest.mark.usefixtures("through_dlt")
def test_the_key_is_in_no_file(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.sync()
    monkeypatch.setenv("STRIPE_API_KEY", f"{KEY}_expired")
    with pytest.raises(SourceError) as refused:
        account.sync()
    assert KEY not in str(refused.value)
    assert not [line for line in account.messages if KEY in line]
    files = [path for path in account.folder.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def documents(url: str, path: str, **params: Any) -> Iterator[dict[str, Any]]:
    """All that an address lists, as it comes over the wire."""
    asked: dict[str, Any] = {"limit": 100, **params}
    while True:
        answer = requests.get(
            f"{url}{path}", params=asked, headers={"Authorization": f"Bearer {KEY}"}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page.keys() == {"object", "data", "has_more", "url"}
        assert (page["object"], page["url"]) == ("list", path)
        yield from page["data"]
        if not page["has_more"]:
            return
        asked["starting_after"] = page["data"][-1]["id"]


def test_every_object_that_the_sandbox_shows_is_as_stripe_has_it(account: Account) -> None:
    expanded = {
        "prices": ["data.tiers"], "coupons": ["data.applies_to"],
        "subscriptions": ["data.discounts", "data.items.data.discounts"],
    }  # fmt: skip
    account.pass_days()
    shown, wrong = Counter[str](), Counter[str]()
    ids: dict[str, str] = {}
    for name in OBJECTS:
        if name == "subscription_items":
            continue
        more = {"status": "all"} if name == "subscriptions" else {}
        for expand in ([], expanded.get(name, [])):
            for it in documents(account.url, f"/v1/{name}", **more, **{"expand[]": expand}):
                shown[it["object"]] += 1
                ids[name] = it["id"]
                wrong.update(f"{it['object']}: {problem}" for problem in misfits(it))
    for name, id in ids.items():
        it = requests.get(f"{account.url}/v1/{name}/{id}", auth=(KEY, ""), timeout=10).json()
        assert it["id"] == id
        wrong.update(f"{name} by id: {problem}" for problem in misfits(it))
    for path, params in (
        (f"/v1/invoices/{ids['invoices']}/lines", {}),
        (f"/v1/credit_notes/{ids['credit_notes']}/lines", {}),
        ("/v1/subscription_items", {"subscription": ids["subscriptions"]}),
    ):
        for it in documents(account.url, path, **params):
            shown[it["object"]] += 1
            wrong.update(f"{path}: {problem}" for problem in misfits(it))
    assert not wrong, wrong.most_common(20)
    of_lists = {"line_item", "credit_note_line_item", "subscription_item"}
    assert not {"customer", "invoice", "event", "refund", *of_lists} - shown.keys()


def test_objects_are_the_same_in_a_list_and_by_id(account: Account) -> None:
    for name in OBJECTS:
        if name in ("subscription_items", "events"):
            continue
        more = {"status": "all"} if name == "subscriptions" else {}
        listed = [*documents(account.url, f"/v1/{name}", **more)]
        for it in (*listed[:2], *listed[-2:]):
            path = f"{account.url}/v1/{name}/{it['id']}"
            assert requests.get(path, auth=(KEY, ""), timeout=10).json() == it


def test_errors_arrive_as_the_sdks_own(account: Account) -> None:
    with pytest.raises(stripe.AuthenticationError) as unknown:
        Readings(account.url, "sk_test_wrong").listed("customers")
    assert unknown.value.http_status == 401
    assert KEY not in str(unknown.value)
    read = Readings(account.url)
    with pytest.raises(stripe.InvalidRequestError) as missing:
        read.sdk.v1.invoices.retrieve("in_nowhere")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.request_id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        read.listed("invoices", updated={"gte": 1})
    assert (refused.value.http_status, refused.value.code) == (400, "parameter_unknown")
    assert "updated" in str(refused.value.param)


def test_a_key_that_may_not_arrives_as_the_sdks_permission_error(world: World) -> None:
    with serving(StripeApi(world, KEY, restricted=("invoices",))) as url:
        read = Readings(url)
        assert read.listed("customers")
        with pytest.raises(stripe.PermissionError, match="permission"):
            read.listed("invoices")


def test_what_passes_is_retried_and_what_does_not_is_told(account: Account) -> None:
    account.api.faults = Faults(rate_limited=1.0)
    with pytest.raises(stripe.RateLimitError):
        Readings(account.url, retries=1).sdk.v1.customers.list({"limit": 1})
    assert [asked.status for asked in account.api.requests] == [429, 429]
    account.api.faults = Faults(server_error=1.0)
    with pytest.raises(stripe.APIError):
        Readings(account.url).sdk.v1.customers.list({"limit": 1})
    account.api.faults = Faults(rate_limited=0.3, server_error=0.1, burst=1, drop=0.1, seed=4)
    assert len(Readings(account.url, retries=6).listed("products", limit=1)) > 0
    faults = {asked.fault for asked in account.api.requests}
    assert faults >= {"rate_limited"}


def test_an_account_that_has_no_customer_of_an_id_says_who_was_deleted(account: Account) -> None:
    read = Readings(account.url)
    customers = read.tables()["customers"]
    deleted = [id for id, row in customers.items() if row["is_deleted"]]
    assert deleted
    assert {it.id for it in read.listed("customers")}.isdisjoint(deleted)
