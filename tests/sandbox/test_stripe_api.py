"""The sandbox's Stripe: the vendor's SDK reads from it what is in the world, and only that."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest
import requests
import stripe

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.stripe.api import StripeApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY, HOUR
from ingestion.sandbox.world.pricing import priced, repriced, yearly_price
from ingestion.sandbox.world.render import source_ids
from ingestion.sandbox.world.schema import CURRENCIES, NONE, NULL
from ingestion.sandbox.world.store import State
from ingestion.sandbox.world.subscriptions import (
    ACTIVE,
    ENDED,
    PAUSED,
    current,
    end,
    follow,
    subscribe,
)
from ingestion.sandbox.world.subscriptions import replace as replace_stretch
from tests.sandbox.money_traps import upset_money

KEY = "sk_test_sandbox"
DECIMALS = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "kwd": 3}
LISTS = (
    "customers", "products", "prices", "coupons", "subscriptions", "invoices", "invoiceitems",
    "invoice_payments", "charges", "refunds", "disputes", "credit_notes", "balance_transactions",
    "events",
)  # fmt: skip
OF_OBJECT = {
    "customer": "customers", "product": "products", "price": "prices", "coupon": "coupons",
    "subscription": "subscriptions", "invoice": "invoices", "invoiceitem": "invoiceitems",
    "invoice_payment": "invoice_payments", "charge": "charges", "refund": "refunds",
    "credit_note": "credit_notes",
}  # fmt: skip
THREE_MONTHS = 2
"""Which of the world's coupons that is."""
OTHERS = {
    "balance_transactions": "balance_transaction", "events": "event",
    "subscription_items": "subscription_item",
}  # fmt: skip
SIX_PLACES = Decimal("0.000001")

Document = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def _without_telemetry() -> None:
    stripe.enable_telemetry = False


@pytest.fixture(scope="module")
def world() -> World:
    """A small company of 400 days, with an evening on which all went wrong."""
    grown = World.found(seed=5, scale=0.1)
    grown.advance(390)
    upset_money(grown.state, grown.state.now - HOUR)
    grown.advance(10)
    return grown


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[tuple[StripeApi, str]]:
    api = StripeApi(world, KEY)
    with serving(api) as url:
        yield api, url


@pytest.fixture
def api(served: tuple[StripeApi, str], world: World) -> StripeApi:
    """The server, well behaved, with the world as it was."""
    served[0].faults = Faults()
    served[0].show(world)
    served[0].requests.clear()
    return served[0]


class Client:
    """Asks the API: over plain HTTP, and by the SDK."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {KEY}"
        self.sdk = stripe.StripeClient(KEY, base_addresses={"api": url}, max_network_retries=0)

    def get(self, path: str, **params: object) -> requests.Response:
        return self.session.get(f"{self.url}/v1/{path}", params=params, timeout=10)  # type: ignore[arg-type]

    def all(self, path: str, limit: int = 100, **params: object) -> list[Document]:
        """Objects of all pages, as JSON."""
        found: list[Document] = []
        if path == "subscriptions":
            params = {"status": "all", **params}
        while True:
            after = {"starting_after": found[-1]["id"]} if found else {}
            answer = self.get(path, limit=limit, **params, **after)
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]
            if not answer.json()["has_more"]:
                return found

    def snapshot(self) -> dict[tuple[str, str], Document]:
        """Every object of every list that has events, by list and id."""
        return {
            (name, found["id"]): found for name in OF_OBJECT.values() for found in self.all(name)
        }


@pytest.fixture
def client(served: tuple[StripeApi, str], api: StripeApi) -> Client:
    return Client(served[1])


def money(minor: int, currency: str) -> Decimal:
    """Minor units as money."""
    return Decimal(minor).scaleb(-DECIMALS[currency])


def rows(world: World, entity: str) -> list[Document]:
    """The world's table, deleted rows left out."""
    found: list[Document] = world.table(entity).to_pylist()
    return [row for row in found if not row["is_deleted"]]


def by_currency(pairs: Iterator[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: Counter[str] = Counter()
    for currency, amount in pairs:
        sums[currency.upper()] += amount  # type: ignore[assignment]
    return {currency: Decimal(amount) for currency, amount in sums.items()}


# Lists.


def test_pages_hold_every_object_once_the_newest_first(client: Client, world: World) -> None:
    counts = {}
    for name in LISTS:
        pages, page = client.all(name), client.all(name, limit=7)
        ids = [found["id"] for found in pages]
        assert ids == [found["id"] for found in page]
        assert len(ids) == len(set(ids))
        assert ids or name == "disputes"
        created = [found["date" if name == "invoiceitems" else "created"] for found in pages]
        assert created == sorted(created, reverse=True)
        counts[name] = len(ids)
    state = world.state
    assert counts["customers"] == int((state["customers"]["is_deleted"] == 0).sum())
    assert counts["subscriptions"] == len(np.unique(state["subscriptions"]["chain"]))
    assert counts["invoices"] == world.count("invoices")
    assert counts["invoice_payments"] == counts["charges"] == world.count("payments")


def test_the_sdk_reads_the_same_pages(client: Client) -> None:
    for name in LISTS:
        service = getattr(client.sdk.v1, "invoice_items" if name == "invoiceitems" else name)
        asked = {"status": "all"} if name == "subscriptions" else {}
        read = [found.id for found in service.list({"limit": 50, **asked}).auto_paging_iter()]
        assert read == [found["id"] for found in client.all(name)]


def test_pages_lead_back(client: Client) -> None:
    ids = [found["id"] for found in client.all("invoices")]
    answer = client.get("invoices", limit=5, ending_before=ids[20]).json()
    assert [found["id"] for found in answer["data"]] == ids[15:20]
    assert answer["has_more"]
    first = client.get("invoices", limit=50, ending_before=ids[20]).json()
    assert [found["id"] for found in first["data"]] == ids[:20]
    assert not first["has_more"]


def test_windows_and_filters_choose(client: Client) -> None:
    invoices = client.all("invoices")
    middle = invoices[len(invoices) // 2]["created"]
    newer = [found["id"] for found in invoices if found["created"] >= middle]
    assert [found["id"] for found in client.all("invoices", **{"created[gte]": middle})] == newer
    older = client.all("invoices", **{"created[lt]": middle})
    assert len(newer) + len(older) == len(invoices)
    exact = client.all("invoices", created=middle)
    both = {"created[gt]": middle - 1, "created[lte]": middle}
    assert exact == client.all("invoices", **both) != []
    for name, field in (("customer", "customer"), ("status", "status")):
        value = invoices[3][field]
        wanted = [found["id"] for found in invoices if found[field] == value]
        assert [found["id"] for found in client.all("invoices", **{name: value})] == wanted
    statuses = Counter(found["status"] for found in client.all("subscriptions"))
    living = client.all("subscriptions", status="active")
    assert len(living) == statuses["active"]
    answered = client.get("subscriptions", limit=100).json()["data"]
    assert "canceled" not in {found["status"] for found in answered}
    assert len(client.all("subscriptions", status="canceled")) == statuses["canceled"] > 0


# Money.


def test_invoices_come_to_what_the_world_says(client: Client, world: World) -> None:
    served = client.all("invoices")
    issued = [found for found in served if found["status"] != "draft"]
    told = rows(world, "invoices")
    for name, column in (("total", "total"), ("amount_paid", "amount_paid")):
        expected = by_currency((row["currency"], row[column]) for row in told)
        found = by_currency((it["currency"], money(it[name], it["currency"])) for it in issued)
        assert found == expected
        assert found.keys() == {"USD", "EUR", "GBP", "JPY", "KWD"}
    taxes = by_currency(
        (it["currency"], money(sum(tax["amount"] for tax in it["total_taxes"]), it["currency"]))
        for it in issued
    )
    assert taxes == by_currency((row["currency"], row["tax"]) for row in told)
    statuses = Counter(found["status"] for found in issued)
    assert statuses == Counter(row["status"] for row in told)
    for it in issued:
        taken_off = sum(part["amount"] for part in it["total_discount_amounts"])
        tax = sum(part["amount"] for part in it["total_taxes"])
        assert it["subtotal"] - taken_off + tax == it["total"]
        assert it["currency"] != "kwd" or it["total"] % 10 == 0


def test_lines_come_to_their_invoices_and_to_the_worlds(client: Client, world: World) -> None:
    by_line = {row["source_id"]: row for row in rows(world, "invoice_lines")}
    count = 0
    for invoice in client.all("invoices"):
        lines = invoice["lines"]["data"]
        if invoice["lines"]["has_more"]:
            lines = client.all(f"invoices/{invoice['id']}/lines", limit=50)
        assert sum(line["amount"] for line in lines) == invoice["subtotal"]
        for line in lines if invoice["status"] != "draft" else []:
            row = by_line[line["id"].removeprefix("il_")]
            net = line["amount"] - sum(part["amount"] for part in line["discount_amounts"])
            assert money(net, line["currency"]) == row["amount"]
            given_back = -1 if line["amount"] < 0 else 1
            assert line["quantity"] * given_back == row["quantity"]
            parent = line["parent"]
            details = parent[parent["type"]]
            is_of_item = parent["type"] == "subscription_item_details"
            assert (is_of_item and not details["proration"]) == row["is_recurring"]
            count += 1
    assert count == len(by_line)


def test_an_invoice_of_120_lines_shows_ten(client: Client) -> None:
    long = [found for found in client.all("invoices") if found["lines"]["has_more"]]
    assert [len(found["lines"]["data"]) for found in long] == [10] * len(long)
    counts = {found["id"]: len(client.all(f"invoices/{found['id']}/lines")) for found in long}
    assert max(counts.values()) >= 120
    for found in long:
        lines = client.all(f"invoices/{found['id']}/lines", limit=11)
        assert lines[:10] == found["lines"]["data"]
        assert len({line["id"] for line in lines}) == counts[found["id"]]
    read = client.sdk.v1.invoices.line_items.list(long[0]["id"], {"limit": 50})
    assert len([*read.auto_paging_iter()]) == counts[long[0]["id"]]


def test_payments_and_what_was_given_back_are_the_worlds(client: Client, world: World) -> None:
    paid = client.all("invoice_payments")
    assert by_currency(
        (it["currency"], money(it["amount_paid"], it["currency"])) for it in paid
    ) == by_currency((row["currency"], row["amount"]) for row in rows(world, "payments"))
    notes = [it for it in client.all("credit_notes") if it["status"] == "issued"]
    listed = {part["refund"] for it in notes for part in it["refunds"]}
    alone = [
        it for it in client.all("refunds")
        if it["status"] == "succeeded" and it["id"] not in listed
    ]  # fmt: skip
    given = by_currency((it["currency"], money(it["amount"], it["currency"]))
                        for it in (*notes, *alone))  # fmt: skip
    told = rows(world, "credit_notes")
    assert given == by_currency((row["currency"], row["amount"]) for row in told)
    assert len(notes) + len(alone) == len(told) > 0


def mrr(subscription: Document, prices: Mapping[str, Document], coupons: Mapping[str, Any]) -> Any:
    """What a subscription brings a month, worked out from what is served alone."""
    [item] = subscription["items"]["data"]
    price, quantity, amount = prices[item["price"]["id"]], item["quantity"], Decimal(0)
    if price["billing_scheme"] == "tiered":
        below = 0
        for tier in price["tiers"]:
            units = max(0, min(quantity, tier["up_to"] or quantity) - below)
            amount += units * tier["unit_amount"] + (tier["flat_amount"] or 0 if units else 0)
            below = tier["up_to"] or below
    else:
        amount = quantity * Decimal(price["unit_amount_decimal"])
    for discount in subscription["discounts"]:
        coupon = coupons[discount["source"]["coupon"]]
        if coupon["duration"] == "forever":
            amount -= amount * Decimal(str(coupon["percent_off"] or 0)) / 100
            amount = max(Decimal(0), amount - (coupon["amount_off"] or 0))
    months = {"month": 1, "year": 12}[price["recurring"]["interval"]]
    exact = amount.scaleb(-DECIMALS[price["currency"]]) / months
    return exact.quantize(SIX_PLACES, ROUND_HALF_UP)


def test_recurring_revenue_is_the_worlds(client: Client, world: World) -> None:
    prices = {it["id"]: it for it in client.all("prices", **{"expand[]": "data.tiers"})}
    coupons = {it["id"]: it for it in client.all("coupons")}
    counting = [
        it for it in client.all("subscriptions", **{"expand[]": "data.discounts"})
        if it["status"] in ("active", "past_due") and not it["pause_collection"]
    ]  # fmt: skip
    found = by_currency((it["currency"], mrr(it, prices, coupons)) for it in counting)
    told = [
        row for row in rows(world, "subscriptions")
        if row["ended_at"] is None and row["status"] in ("active", "past_due")
    ]  # fmt: skip
    assert found == by_currency((row["currency"], row["mrr"]) for row in told)
    assert len(counting) == len(told)
    schemes = {prices[it["items"]["data"][0]["price"]["id"]]["billing_scheme"] for it in counting}
    assert schemes == {"per_unit", "tiered"}
    assert any(it["discounts"] for it in counting)


def observations(client: Client) -> Iterator[tuple[str, int, str | None, int]]:
    """Subscription, second, price and quantity of all that is billed ahead, now or before long."""
    for invoice in client.all("invoices"):
        lines = invoice["lines"]["data"]
        if invoice["lines"]["has_more"]:
            lines = client.all(f"invoices/{invoice['id']}/lines")
        for line in lines:
            details = line["parent"][line["parent"]["type"]]
            is_charge = line["amount"] >= 0 and not details["proration_details"]["credited_items"]
            if "subscription_item" in details and is_charge:
                amount = line["pricing"]["unit_amount_decimal"]
                yield details["subscription"], line["period"]["start"], amount, line["quantity"]
    for item in client.all("invoiceitems", pending="true"):
        if not item["proration_details"]["credited_items"]:
            subscription = item["parent"]["subscription_details"]["subscription"]
            amount = item["pricing"]["unit_amount_decimal"]
            yield subscription, item["period"]["start"], amount, item["quantity"]


def test_every_change_of_a_price_can_be_dated_by_what_was_billed(
    client: Client, world: World
) -> None:
    """A first load has no other past: what is billed says what was, from the second on."""
    store = world.state["subscriptions"]
    chains = [f"sub_{id}" for id in source_ids("subscriptions", store["chain"]).to_pylist()]
    stretches: dict[str, list[tuple[int, str | None, int]]] = {}
    for row in np.lexsort((store["started_at"], store["chain"])):
        decimals = DECIMALS[CURRENCIES[store["currency"][row]].lower()] - 2
        unit = Decimal(int(store["unit_amount"][row])).scaleb(decimals)
        price = None if store["is_tiered"][row] else str(int(unit))
        began = int(store["started_at"][row]) // 1_000_000
        stretches.setdefault(chains[row], []).append((began, price, int(store["quantity"][row])))
    billed = list(observations(client))
    for subscription, second, price, quantity in billed:
        known = [stretch for stretch in stretches[subscription] if stretch[0] <= second]
        assert known[-1][1:] == (price, quantity)
    moments, changes = set(billed), 0
    for subscription, rows_of in stretches.items():
        if len({stretch[0] for stretch in rows_of}) < len(rows_of):
            continue
        for before, after in itertools.pairwise(rows_of):
            if before[1:] != after[1:]:
                assert (subscription, *after) in moments
                changes += 1
    assert changes > 10


def test_a_coupon_of_three_months_is_held_for_three_months(
    client: Client, api: StripeApi, world: World
) -> None:
    later = copy.deepcopy(world)
    state, one = later.state, np.ones(1, np.int64)
    prices = priced(one * 1_200_00, one * 0, one * 0, one, one == 0, one * THREE_MONTHS)
    at = np.array([state.now - HOUR])
    [row] = subscribe(state, one * 9, at, one * 0, one * NONE, one * 0, one * 0, prices)
    subscription_id = f"sub_{source_ids('subscriptions', np.array([row]))[0].as_py()}"
    api.show(later)
    path = f"subscriptions/{subscription_id}"
    [discount] = client.get(path, **{"expand[]": "discounts"}).json()["discounts"]
    start, end = discount["start"], discount["end"]
    coupon = client.get(f"coupons/{discount['source']['coupon']}").json()
    assert (coupon["duration"], coupon["duration_in_months"]) == ("repeating", 3)
    assert start == int(at[0]) // 1_000_000
    assert 89 <= (end - start) / 86_400 <= 92
    later.advance((end - start) // 86_400 - 1)
    api.show(later)
    assert client.get(path).json()["discounts"] == [discount["id"]]
    later.advance(1)
    api.show(later)
    assert client.get(path).json()["discounts"] == []
    removed = client.all("events", type="customer.discount.deleted")
    assert (discount["id"], end) in [
        (event["data"]["object"]["id"], event["created"]) for event in removed
    ]
    [updated] = [
        event for event in client.all("events", type="customer.subscription.updated")
        if event["created"] == end and event["data"]["object"]["id"] == subscription_id
    ]  # fmt: skip
    assert updated["data"]["previous_attributes"]["discounts"] == [discount["id"]]


def test_the_balance_moves_by_what_is_charged_and_given_back(client: Client) -> None:
    charges = {it["id"]: it for it in client.all("charges")}
    for it in client.all("balance_transactions"):
        assert it["net"] == it["amount"] - it["fee"]
        charge = charges.get(it["source"])
        if charge and charge["currency"] in ("jpy", "kwd"):
            assert it["currency"] == "usd"
            worth = money(charge["amount"], charge["currency"]) * Decimal(str(it["exchange_rate"]))
            assert abs(money(it["amount"], "usd") - worth) <= Decimal("0.01")
        elif charge:
            assert (it["amount"], it["exchange_rate"]) == (charge["amount"], None)


# Single objects, expansion, errors.


def test_an_object_by_id_is_the_object_of_the_list(client: Client) -> None:
    for name in LISTS:
        for found in client.all(name)[:3]:
            assert client.get(f"{name}/{found['id']}").json() == found


def test_a_deleted_customer_is_in_no_list_and_answers_that_it_is_deleted(
    client: Client, api: StripeApi, world: World
) -> None:
    later = copy.deepcopy(world)
    row = int(np.flatnonzero(later.state["customers"]["is_deleted"] == 0)[3])
    later.state.change("customers", np.array([row]), "is_deleted", 1, later.state.now - HOUR)
    before = {it["id"] for it in client.all("customers")}
    api.show(later)
    [gone] = before - {it["id"] for it in client.all("customers")}
    read = client.sdk.v1.customers.retrieve(gone)
    assert read.to_dict() == {"id": gone, "object": "customer", "deleted": True}
    event = client.get("events", type="customer.deleted").json()["data"][0]
    assert event["data"]["object"]["id"] == gone
    assert client.all("invoices", customer=gone)[0]["customer_name"]


def test_expansion_puts_objects_in_the_place_of_ids(client: Client) -> None:
    path = {"expand[]": "data.discounts.source.coupon", "status": "all"}
    discounted = next(it for it in client.all("subscriptions", **path) if it["discounts"])
    assert discounted["discounts"][0]["source"]["coupon"]["object"] == "coupon"
    assert "tiers" not in client.get("prices").json()["data"][0]
    tiered = [it for it in client.all("prices", **{"expand[]": "data.tiers"}) if it["tiers"]]
    assert tiered[0]["tiers"][-1]["up_to"] is None
    invoice = client.get("invoices", **{"expand[]": "data.customer"}).json()["data"][0]
    assert invoice["customer"]["object"] == "customer"
    refused = client.get("invoices", **{"expand[]": "data.nothing"})
    assert refused.status_code == 400
    retrieved = client.sdk.v1.invoices.retrieve(invoice["id"], {"expand": ["customer"]})
    assert retrieved.customer.name == invoice["customer_name"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("invoices", {"updated[gte]": 1}, 400, "parameter_unknown"),
        ("invoices", {"created[since]": 1}, 400, "parameter_unknown"),
        ("invoices", {"limit": 101}, 400, "parameter_invalid_integer"),
        ("invoices", {"limit": 0}, 400, "parameter_invalid_integer"),
        ("invoices", {"created[gte]": "2026-01-01"}, 400, "parameter_invalid_integer"),
        ("invoices", {"starting_after": "in_1"}, 400, "resource_missing"),
        ("invoices", {"status": "unheard"}, 400, None),
        ("invoices/in_1", {}, 404, "resource_missing"),
        ("invoices/cus_440010000001", {}, 404, "resource_missing"),
        ("subscription_items", {}, 400, "parameter_missing"),
        ("discounts", {}, 404, None),
        ("unicorns", {}, 404, None),
        ("customers/cus_440010000001/lines", {}, 404, None),
    ],
)
def test_a_wrong_request_gets_stripes_error(
    client: Client, path: str, params: dict[str, object], status: int, code: str | None
) -> None:
    answer = client.get(path, **params)
    assert answer.status_code == status, answer.text
    problem = answer.json()["error"]
    assert problem["type"] == "invalid_request_error"
    assert problem.get("code") == code
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
    assert answer.headers["Request-Id"].startswith("req_")


def test_there_is_no_parameter_that_stripe_does_not_have(api: StripeApi) -> None:
    for name, singular in {**{name: key for key, name in OF_OBJECT.items()}, **OTHERS}.items():
        words = {"invoiceitem": "InvoiceItem"}.get(singular, singular.title().replace("_", ""))
        theirs = getattr(stripe.params, f"{words}ListParams").__annotations__
        ours = {parameter.partition("[")[0] for parameter in api.account.kind(name).known()}
        assert ours <= theirs.keys()


def test_errors_arrive_as_the_sdks_exceptions(client: Client, api: StripeApi) -> None:
    wrong = stripe.StripeClient("sk_test_other", base_addresses={"api": client.url})
    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.customers.list()
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_1'"):
        client.sdk.v1.customers.retrieve("cus_1")
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: colour"):
        client.sdk.v1.customers.list({"colour": "red"})  # type: ignore[typeddict-unknown-key]
    api.faults = Faults(forbidden=("events",))
    with pytest.raises(stripe.PermissionError, match="rak_event_read"):
        client.sdk.v1.events.list()
    api.faults = Faults(rate_limited=1.0)
    with pytest.raises(stripe.RateLimitError):
        client.sdk.v1.customers.list()
    api.faults = Faults(server_error=1.0)
    with pytest.raises(stripe.APIError):
        client.sdk.v1.customers.list()


def test_a_restricted_key_reads_the_rest(world: World) -> None:
    with serving(StripeApi(world, KEY, restricted=("credit_notes",))) as url:
        client = Client(url)
        assert client.get("customers").status_code == 200
        refused = client.get("credit_notes")
        assert refused.status_code == 403
        assert "rak_credit_note_read" in refused.json()["error"]["message"]


def test_the_key_may_come_as_a_user_name_and_another_version_is_refused(client: Client) -> None:
    url = f"{client.url}/v1/customers"
    assert requests.get(url, auth=(KEY, ""), timeout=5).status_code == 200
    assert requests.get(url, timeout=5).status_code == 401
    older = client.session.get(url, headers={"Stripe-Version": "2019-01-01"}, timeout=5)
    assert older.status_code == 400


# Faults.


def test_a_page_twice_or_out_of_order_is_the_same_objects(client: Client, api: StripeApi) -> None:
    straight = [it["id"] for it in client.all("invoices", limit=9)]
    api.faults = Faults(out_of_order=True)
    shuffled = [it["id"] for it in client.all("invoices", limit=9)]
    assert shuffled != straight
    assert sorted(shuffled) == sorted(straight)
    api.faults = Faults(duplicate=0.5, seed=3)
    twice = [it["id"] for it in client.all("invoices", limit=9)]
    assert len(twice) > len(straight)
    assert set(twice) == set(straight)
    api.faults = Faults(duplicate=1.0)
    assert {it["id"] for it in client.all("refunds", limit=2)} == {
        it["id"] for it in client.all("refunds")
    }


def test_what_appears_while_paging_is_neither_told_twice_nor_loses_what_was_there(
    client: Client, api: StripeApi, world: World
) -> None:
    before = [it["id"] for it in client.all("invoices")]
    first = client.get("invoices", limit=40).json()["data"]
    later = copy.deepcopy(world)
    later.advance(2)
    api.show(later)
    rest = client.all("invoices", limit=100)
    assert len(rest) > len(before)
    more = client.get("invoices", limit=100, starting_after=first[-1]["id"]).json()["data"]
    assert [it["id"] for it in first + more] == before[: len(first + more)]


# Events.


def replayed(client: Client, since: int) -> set[tuple[str, str]]:
    """What events since a moment are about: list and id."""
    events = client.all("events", **{"created[gte]": since})
    about = [event["data"]["object"] for event in events]
    return {(OF_OBJECT[it["object"]], it["id"]) for it in about if it["object"] in OF_OBJECT}


def test_events_lead_from_one_day_to_the_next(client: Client, api: StripeApi, world: World) -> None:
    """Read again what they name, and nothing else has changed."""
    later = copy.deepcopy(world)
    known = client.snapshot()
    for day in range(8):
        since = int(later.now.timestamp())
        later.advance(1)
        if day in (1, 3):
            upset_money(later.state, later.state.now - HOUR)
        api.show(later)
        now, changed = client.snapshot(), replayed(client, since)
        differing = {key for key in {*known, *now} if known.get(key) != now.get(key)}
        pending = {key for key in differing if key[0] == "invoiceitems"}
        assert differing - pending <= changed
        assert all(now[key]["invoice"] for key in pending - changed)
        known = now


def rolled_back(shown: Document, event: Document) -> Document:
    """An object before an event, as its previous attributes tell."""

    def put(now: Document, before: Document) -> Document:
        return now | {
            name: put(now[name], old) if isinstance(old, dict) and isinstance(now[name], dict)
            else old
            for name, old in before.items()
        }  # fmt: skip

    return put(shown, event["data"].get("previous_attributes", {}))


def test_previous_attributes_lead_back_to_what_was(
    client: Client, api: StripeApi, world: World
) -> None:
    known, since = client.snapshot(), int(world.now.timestamp())
    later = copy.deepcopy(world)
    for _ in range(4):
        later.advance(5)
        upset_money(later.state, later.state.now - HOUR)
    api.show(later)
    now, counts = client.snapshot(), Counter[str]()
    for event in client.all("events", **{"created[gte]": since}):
        about = event["data"]["object"]
        if event["type"] == "customer.subscription.updated" or event["type"] == "invoice.updated":
            key = OF_OBJECT[about["object"]], about["id"]
            now[key] = rolled_back(now[key], event)
            counts[event["type"]] += 1
    for key, before in known.items():
        ended = now[key].get("ended_at") if key[0] == "subscriptions" else None
        if key[0] in ("subscriptions", "invoices") and not ended:
            assert now[key] == before
    assert counts["customer.subscription.updated"] > 20
    assert counts["invoice.updated"] > 20


def test_an_event_shows_its_object_as_it_was(client: Client, world: World) -> None:
    made = client.all("events", type="invoice.created")
    paid = client.all("events", **{"types[0]": "invoice.paid", "types[1]": "invoice.voided"})
    assert {event["data"]["object"]["status"] for event in made} <= {"draft", "open"}
    assert {event["data"]["object"]["status"] for event in paid} == {"paid", "void"}
    assert "draft" in {event["data"]["object"]["status"] for event in made}
    wild = client.all("events", type="customer.subscription.*")
    assert {event["type"] for event in wild} == {
        "customer.subscription.created", "customer.subscription.updated",
        "customer.subscription.deleted",
    }  # fmt: skip
    assert client.get("events", **{"types[]": ["invoice.paid"] * 21}).status_code == 400


def test_events_are_told_for_thirty_days_under_ids_that_stay(
    client: Client, api: StripeApi, world: World
) -> None:
    now, events = int(world.now.timestamp()), client.all("events")
    assert min(event["created"] for event in events) >= now - 30 * 86_400
    later = copy.deepcopy(world)
    later.advance(3)
    api.show(later)
    known = {event["id"]: event for event in client.all("events")}
    kept = [event for event in events if event["created"] > now - 27 * 86_400]
    assert all(known[event["id"]] == event for event in kept)
    assert len(known) > len(kept) > 0
    gone = client.get(f"events/{events[-1]['id']}")
    assert gone.status_code == 404


def paused_and_changed(state: State) -> int:
    """On an evening, one subscription is paused and goes on; its price changes, and back.

    The first of its rows.
    """
    row = current(state)[:1].astype(np.int64)
    evening = state.now - 6 * HOUR
    end(state, row, ENDED, evening)
    paused = follow(state, row, evening, NONE, PAUSED, is_current=False)
    end(state, paused, None, evening + HOUR)
    row = follow(state, paused, evening + HOUR, NONE, ACTIVE)
    double = repriced(state, row, yearly_price(state, row) * 2)
    old = {name: state["subscriptions"][name][row].copy() for name in double}
    changed = replace_stretch(state, row, double, np.array([evening + 2 * HOUR]))
    replace_stretch(state, changed, old, np.array([evening + 3 * HOUR]))
    return int(state["subscriptions"]["chain"][row[0]])


def test_a_pause_and_a_change_and_back_within_a_day(
    client: Client, api: StripeApi, world: World
) -> None:
    later = copy.deepcopy(world)
    later.advance(1)
    first = source_ids("subscriptions", np.array([paused_and_changed(later.state)]))
    subscription_id = f"sub_{first[0].as_py()}"
    api.show(later)
    now = client.get(f"subscriptions/{subscription_id}").json()
    assert (now["status"], now["pause_collection"]) == ("active", None)
    events = [
        event
        for event in client.all("events", type="customer.subscription.updated")
        if event["data"]["object"]["id"] == subscription_id
    ][:4]
    back, changed, resumed, paused = events
    assert paused["data"]["previous_attributes"] == {"pause_collection": None}
    assert paused["data"]["object"]["pause_collection"]["behavior"] == "void"
    assert resumed["data"]["previous_attributes"]["pause_collection"]["behavior"] == "void"
    [before] = changed["data"]["previous_attributes"]["items"]["data"]
    [after] = back["data"]["previous_attributes"]["items"]["data"]
    [item] = now["items"]["data"]
    told = [(it["price"]["id"], it["quantity"]) for it in (before, after, item)]
    assert told[0] == told[2] != told[1]
    pending = client.all("invoiceitems", pending="true")
    mine = [it for it in pending
            if it["parent"]["subscription_details"]["subscription"] == subscription_id]  # fmt: skip
    signs = Counter((it["date"], it["amount"] < 0) for it in mine)
    assert len(signs) == 4
    assert all(it["proration"] for it in mine)


def test_who_leaves_asks_for_it_before(client: Client) -> None:
    gone = client.all("subscriptions", status="canceled")
    early = [it for it in gone if it["canceled_at"] < it["ended_at"]]
    assert early
    assert all(it["cancel_at"] == it["ended_at"] >= it["canceled_at"] for it in gone)
    deleted = {
        event["data"]["object"]["id"]: event["created"]
        for event in client.all("events", type="customer.subscription.deleted")
    }
    ends = {it["id"]: it["ended_at"] for it in gone}
    assert deleted.items() <= ends.items()
    asked = [
        event["data"]
        for event in client.all("events", type="customer.subscription.updated")
        if event["data"]["previous_attributes"].get("canceled_at", 0) is None
    ]
    assert asked
    for data in asked:
        assert data["object"]["status"] != "canceled"
        assert data["object"]["cancel_at"] == ends[data["object"]["id"]]


def test_a_refund_that_fails_takes_back_what_it_gave_back(
    client: Client, api: StripeApi, world: World
) -> None:
    later = copy.deepcopy(world)
    state = later.state
    payment = len(state["payments"]) - 1
    invoice = int(state["payments"]["invoice_id"][payment])
    at = int(state["payments"]["occurred_at"][payment]) + 60_000_000
    amount = int(state["payments"]["amount"][payment]) // 2 // 100 * 100
    state.create(
        "credit_notes", 1, at, customer_id=state["payments"]["customer_id"][payment],
        invoice_id=invoice, occurred_at=at, amount=amount, kind=1, fail_due=NULL,
        currency=state["payments"]["currency"][payment],
    )  # fmt: skip
    api.show(later)
    refund = client.get("refunds", limit=1).json()["data"][0]
    charge = client.get(f"charges/{refund['charge']}").json()
    assert (refund["status"], charge["amount_refunded"]) == ("succeeded", refund["amount"])
    last = np.array([len(state["credit_notes"]) - 1])
    later.advance(1)
    state.change("credit_notes", last, "is_deleted", 1, state.now - DAY // 2)
    api.show(later)
    refund = client.get(f"refunds/{refund['id']}").json()
    charge = client.get(f"charges/{refund['charge']}").json()
    assert (refund["status"], charge["amount_refunded"]) == ("failed", 0)
    types = [event["type"] for event in client.all("events")
             if event["data"]["object"]["id"] == refund["id"]]  # fmt: skip
    assert types == ["refund.failed", "refund.updated", "refund.created"]
    [failure] = client.all("balance_transactions", type="refund_failure", source=refund["id"])
    assert failure["amount"] > 0
