"""The types find what is wrong, and nothing wrong in what Stripe itself shows."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import documents as d
import pytest
from typed import UnknownObjectError, misfits

from ingestion.paths import PROJECT

FIXTURES = PROJECT.parent / "shared" / "data" / "stripe_fixtures" / "fixtures3.json"
DRIFT = {
    "account_session": "four components are newer than the fixtures",
    "billing_portal.configuration": "features.subscription_pause is older than the SDK",
    "customer_session": "two components are newer than the fixtures",
    "dispute": "evidence_details.submission_method is newer",
    "event": "it is about a plan with aggregate_usage, which plans have no more",
    "invoice": "it has a stray subscription",
    "reserve.hold": "destination is newer",
    "reserve.plan": "destination is newer",
    "reserve.release": "destination is newer, and a reason is gone",
    "subscription_schedule": "pause_schedules is newer",
}
"""Objects of the fixtures that are not as this version of the SDK says, and why."""
UNKNOWN = {"issuing.settlement", "sigma.sigma_api_query", "terminal.refund"}
"""Objects of the fixtures that this version of the SDK has no class of."""


def monthly() -> d.Document:
    """A price, with what is most often wrong about one."""
    return d.price("price_1", 1_000)


def an_invoice() -> d.Document:
    """An open invoice of two lines, one of a subscription."""
    lines = [
        d.line("il_1", 1_000, "2026-01-01", "2026-02-01", monthly(), 1, "sub_1", "si_1"),
        d.line("il_2", 250, "2026-01-01", "2026-01-01", is_proration=True),
    ]
    return d.invoice("in_1", "cus_1", lines, tax=238, subscription="sub_1")


def a_subscription() -> d.Document:
    """A subscription to two units."""
    return d.subscription("sub_1", "cus_1", [d.item("si_1", monthly(), 2)])


def an_event() -> d.Document:
    """A subscription has got a second unit."""
    before = {"items": {"data": [d.item("si_1", monthly(), 1)]}, "metadata": {"new": None}}
    return d.document(
        "event", id="evt_1", type="customer.subscription.updated", created=1,
        data={"object": a_subscription(), "previous_attributes": before},
    )  # fmt: skip


MADE = {
    "customer": d.customer("cus_1", metadata={"crm_company": "17"}),
    "product": d.product("prod_1"),
    "price": monthly(),
    "coupon": d.coupon("ten", percent_off=10.0),
    "discount": d.discount("di_1", d.coupon("ten"), "sub_1", "2026-01-01"),
    "subscription": a_subscription(),
    "invoice": an_invoice(),
    "invoice_payment": d.invoice_payment("inpay_1", "in_1", 10, "2026-01-02"),
    "invoiceitem": d.invoice_item(
        "ii_1", "cus_1", -10, "2026-01-01", "2026-02-01", monthly(), "sub_1", "si_1"
    ),
    "charge": d.charge("ch_1", "cus_1", 10),
    "refund": d.refund("re_1", "ch_1", 10),
    "credit_note": d.credit_note("cn_1", an_invoice(), 10),
    "event": an_event(),
    "deleted customer": {"id": "cus_1", "object": "customer", "deleted": True},
}
"""Objects as the tests of this folder make them."""
ITEM = ("items", "data", 0)
LINE = ("lines", "data", 0)
MISTAKES: dict[str, tuple[Callable[[], d.Document], tuple[Any, ...], Any, str]] = {
    "an amount as text": (an_invoice, ("amount_due",), "1250", "amount_due"),
    "an amount as a float": (an_invoice, ("total",), 12.5, "total"),
    "an amount that is null": (an_invoice, ("amount_paid",), None, "amount_paid"),
    "an amount that is true": (an_invoice, ("amount_remaining",), True, "amount_remaining"),
    "transitions that are missing": (
        an_invoice, ("status_transitions",), ..., "status_transitions: is missing",
    ),
    "a key that is no more": (an_invoice, ("paid",), False, "paid: Invoice has no such key"),
    "a line's old key": (an_invoice, (*LINE, "proration"), False, "lines.data[0].proration"),
    "a decimal as a number": (monthly, ("unit_amount_decimal",), 1_000, "unit_amount_decimal"),
    "a decimal that is none": (monthly, ("unit_amount_decimal",), "10 $", "unit_amount_decimal"),
    "a time as ISO text": (an_invoice, ("due_date",), "2026-01-01T00:00:00Z", "due_date"),
    "an unknown status": (a_subscription, ("status",), "running", "status: 'running' is none"),
    "no status": (a_subscription, ("status",), ..., "status: is missing"),
    "a period where it was": (a_subscription, ("current_period_end",), 1, "current_period_end"),
    "an item without its period": (a_subscription, (*ITEM, "current_period_end"), ..., "missing"),
    "an expanded price of another kind": (
        a_subscription, (*ITEM, "price", "object"), "plan", "items.data[0].price",
    ),
    "a list that is only an array": (a_subscription, ("items",), [], "items: [] is no list object"),
    "a list that does not say whether there is more": (
        a_subscription, ("items", "has_more"), None, "items.has_more",
    ),
    "metadata that is a number": (a_subscription, ("metadata",), {"a": 1}, "metadata.a"),
    "an event about an object that is wrong": (
        an_event, ("data", "object", "status"), "running", "data.object.status",
    ),
    "an event with a past that never was": (
        an_event, ("data", "previous_attributes"), {"quantity": "two"}, "previous_attributes",
    ),
    "an event of an unknown type": (an_event, ("type",), "customer.vanished", "type"),
}  # fmt: skip
"""What is planted where (`...`: taken away), and what the finding says."""


@pytest.mark.parametrize("name", MADE)
def test_objects_of_the_tests_are_as_stripe_has_them(name: str) -> None:
    assert misfits(MADE[name]) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_and_nothing_else(name: str) -> None:
    make, [*way, last], planted, finding = MISTAKES[name]
    spoiled = copy.deepcopy(make())
    assert misfits(spoiled) == []
    place: Any = spoiled
    for step in way:
        place = place[step]
    if planted is ...:
        del place[last]
    else:
        place[last] = planted
    [found] = misfits(spoiled)
    assert finding in found


def test_an_object_that_nobody_knows_is_told() -> None:
    with pytest.raises(UnknownObjectError, match="gift_card"):
        misfits({"object": "gift_card"})


def test_what_stripe_shows_passes_but_for_what_has_changed_since() -> None:
    if not FIXTURES.exists():
        pytest.skip(f"Stripe's own fixtures are not on this machine: {FIXTURES}")
    shown = json.loads(FIXTURES.read_bytes())["resources"]
    live = {name: it for name, it in shown.items() if not it.get("deleted")}
    unknown, found = set(), {}
    for name, it in live.items():
        try:
            if wrong := misfits(it):
                found[name] = wrong
        except UnknownObjectError:
            unknown.add(name)
    assert unknown == UNKNOWN
    assert found.keys() == DRIFT.keys(), found
    assert len(live) - len(unknown) - len(found) >= 137
