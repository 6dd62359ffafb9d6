"""A Stripe that a test writes by hand is one to the SDK, too."""

from __future__ import annotations

from collections.abc import Iterator

import documents as d
import pytest
import stripe
from scripted import DAY, ScriptedStripe
from typed import misfits

from ingestion.sandbox.server import serving


@pytest.fixture
def written() -> ScriptedStripe:
    """Thirty customers, one deleted, with a subscription of a dozen items and its change."""
    written = ScriptedStripe("2024-01-01")
    of = d.price("price_1", 100)
    written.create(*(d.customer(f"cus_{n:02}") for n in range(30)), of)
    items = [d.item(f"si_{n:02}", of, n) for n in range(1, 13)]
    written.at("2024-01-02")
    written.create(d.subscription("sub_1", "cus_01", items))
    line = d.line("il_1", 7_800, "2024-01-02", "2024-02-02", of, 78, "sub_1", "si_01")
    written.create(d.invoice("in_1", "cus_01", [line], subscription="sub_1"))
    written.at("2024-01-03")
    written.update("sub_1", status="past_due")
    written.delete("cus_02")
    return written


@pytest.fixture
def sdk(written: ScriptedStripe) -> Iterator[stripe.StripeClient]:
    """The SDK as it reads it."""
    with serving(written) as url:
        yield stripe.StripeClient("sk_test_1", base_addresses={"api": url}, max_network_retries=0)


def test_all_of_it_is_as_stripe_has_it(written: ScriptedStripe) -> None:
    shown = [it for held in written.objects.values() for it in held.values()]
    assert len(shown) > 60
    assert {it["id"]: wrong for it in shown if (wrong := misfits(it))} == {}


def test_the_sdk_pages_lists_newest_first(sdk: stripe.StripeClient) -> None:
    found = [it.id for it in sdk.v1.customers.list({"limit": 7}).auto_paging_iter()]
    assert found == [f"cus_{n:02}" for n in reversed(range(30)) if n != 2]
    [one] = sdk.v1.subscriptions.list({"status": "past_due"})
    assert one["items"].has_more
    assert [it.quantity for it in one["items"].auto_paging_iter()] == list(range(1, 13))
    assert not sdk.v1.subscriptions.list({"status": "active"}).data


def test_the_sdk_reads_what_happened(sdk: stripe.StripeClient, written: ScriptedStripe) -> None:
    events = list(sdk.v1.events.list({"created": {"gte": written.now}}).auto_paging_iter())
    assert [it.type for it in events] == ["customer.deleted", "customer.subscription.updated"]
    assert events[1].data.previous_attributes.status == "active"
    assert sdk.v1.customers.retrieve("cus_02").deleted
    written.now += 30 * DAY
    assert len(sdk.v1.events.list({"types": ["customer.deleted"]}).data) == 1
    written.now += 1
    assert not sdk.v1.events.list().data


def test_the_sdk_is_told_what_there_is_not(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        sdk.v1.invoices.retrieve("in_2")
