"""Named traps of recurring revenue, worked by hand: from answers to stretches and months."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import documents as d
from books import Script

TEN = d.price("price_10", 1_000)
THIRTY = d.price("price_30", 3_000)


def subscribed(script: Script, *items: d.Document, **told: Any) -> None:
    """From now on `cus_1` has `sub_1`."""
    prices = {it["price"]["id"]: it["price"] for it in items}
    script.stripe.create(d.customer("cus_1"))
    script.stripe.create(*(d.product(it["product"]) for it in prices.values()))
    script.stripe.create(*prices.values())
    script.stripe.create(
        d.subscription("sub_1", "cus_1", items, start_date=script.stripe.now, **told)
    )


def items_of(script: Script, *items: d.Document) -> d.Document:
    """The list that `sub_1` has of these items."""
    held = [{**it, "subscription": "sub_1"} for it in items]
    return {**script.stripe.found("sub_1")["items"], "data": held}


def changed(script: Script, at: str, *items: d.Document) -> None:
    """At a moment `sub_1` comes to consist of other items."""
    script.stripe.at(at)
    script.stripe.create(
        *(it["price"] for it in items if it["price"]["id"] not in script.stripe.objects["price"])
    )
    script.stripe.update("sub_1", items=items_of(script, *items))


def billed(script: Script, id: str, at: str, *lines: d.Document) -> None:
    """At a moment `sub_1` is billed."""
    script.stripe.at(at)
    script.stripe.create(
        d.invoice(id, "cus_1", lines, subscription="sub_1", finalized_at=at, created=d.unix(at))
    )


def recurring(id: str, of: d.Document, start: str, end: str, quantity: int = 1) -> d.Document:
    """A line that bills a period of `si_1`."""
    amount = of["unit_amount"] * quantity
    return d.line(id, amount, start, end, of, quantity, "sub_1", "si_1")


def test_an_upgrade_in_mid_period_that_events_tell(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    script.stripe.at("2024-01-10")
    script.sync()
    assert script.stretches("sub_1") == [("2024-01-01", None, "active", 10)]
    changed(script, "2024-01-16 12:30", d.item("si_1", THIRTY))
    script.stripe.at("2024-02-10")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-16 12:30", "active", 10),
        ("2024-01-16 12:30", None, "active", 30),
    ]
    assert script.mrr_by_month() == {"2024-01": {"USD": 30}, "2024-02": {"USD": 30}}


def upgraded_long_ago(script: Script) -> None:
    """An upgrade of which only invoices know: its events are older than 30 days."""
    subscribed(script, d.item("si_1", TEN))
    billed(script, "in_1", "2024-01-01", recurring("il_1", TEN, "2024-01-01", "2024-02-01"))
    billed(script, "in_2", "2024-02-01", recurring("il_2", TEN, "2024-02-01", "2024-03-01"))
    changed(script, "2024-02-16", d.item("si_1", THIRTY))
    part = {"subscription": "sub_1", "item": "si_1", "is_proration": True}
    billed(
        script, "in_3", "2024-03-01",
        d.line("il_3", -483, "2024-02-16", "2024-03-01", TEN, credited=True, **part),
        d.line("il_4", 1_448, "2024-02-16", "2024-03-01", THIRTY, **part),
        recurring("il_5", THIRTY, "2024-03-01", "2024-04-01"),
    )  # fmt: skip
    billed(script, "in_4", "2024-04-01", recurring("il_6", THIRTY, "2024-04-01", "2024-05-01"))


def test_an_upgrade_in_mid_period_that_only_invoices_tell(script: Script) -> None:
    upgraded_long_ago(script)
    script.stripe.at("2024-04-20")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-02-16", "active", 10),
        ("2024-02-16", None, "active", 30),
    ]
    assert {month: held["USD"] for month, held in script.mrr_by_month().items()} == {
        "2024-01": 10, "2024-02": 30, "2024-03": 30, "2024-04": 30,
    }  # fmt: skip


def test_a_plan_change_and_back_within_a_day(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    script.stripe.at("2024-01-10")
    script.sync()
    changed(script, "2024-01-15 10:00", d.item("si_1", THIRTY))
    changed(script, "2024-01-15 15:00", d.item("si_1", TEN))
    script.stripe.at("2024-02-02")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-15 10:00", "active", 10),
        ("2024-01-15 10:00", "2024-01-15 15:00", "active", 30),
        ("2024-01-15 15:00", None, "active", 10),
    ]
    assert script.mrr_by_month() == {"2024-01": {"USD": 10}, "2024-02": {"USD": 10}}


def test_a_change_and_back_before_the_first_load(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    changed(script, "2024-01-15 10:00", d.item("si_1", THIRTY, 2))
    changed(script, "2024-01-15 15:00", d.item("si_1", TEN))
    script.stripe.at("2024-01-20")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-15 10:00", "active", 10),
        ("2024-01-15 10:00", "2024-01-15 15:00", "active", 60),
        ("2024-01-15 15:00", None, "active", 10),
    ]


def test_a_pause_that_voids_counts_for_nothing_and_one_that_keeps_drafts_counts(
    script: Script,
) -> None:
    subscribed(script, d.item("si_1", TEN))
    script.stripe.create(
        d.subscription("sub_2", "cus_1", [d.item("si_2", THIRTY)], start_date=script.stripe.now),
        THIRTY,
    )
    script.stripe.at("2024-01-10")
    script.sync()
    script.stripe.at("2024-01-15")
    script.stripe.update("sub_1", pause_collection={"behavior": "void", "resumes_at": None})
    script.stripe.update(
        "sub_2", pause_collection={"behavior": "keep_as_draft", "resumes_at": None}
    )
    script.stripe.at("2024-02-10")
    script.sync()
    assert script.mrr_by_month() == {"2024-01": {"USD": 30}, "2024-02": {"USD": 30}}
    script.stripe.at("2024-02-20")
    script.stripe.update("sub_1", pause_collection=None)
    script.stripe.at("2024-03-01")
    script.sync()
    [before, paused, after] = script.stretches("sub_1")
    assert before == ("2024-01-01", "2024-01-15", "active", 10)
    assert paused[:3] == ("2024-01-15", "2024-02-20", "paused")
    assert after == ("2024-02-20", None, "active", 10)
    assert script.stretches("sub_2") == [("2024-01-01", None, "active", 30)]
    assert script.mrr_by_month() == {
        "2024-01": {"USD": 30}, "2024-02": {"USD": 40}, "2024-03": {"USD": 40},
    }  # fmt: skip


def test_an_end_is_when_it_ends_and_not_when_it_was_asked_for(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    script.stripe.at("2024-01-10")
    script.sync()
    script.stripe.at("2024-01-20")
    script.stripe.update(
        "sub_1", cancel_at_period_end=True, canceled_at=script.stripe.now,
        cancel_at=d.unix("2024-02-01"),
    )  # fmt: skip
    script.stripe.at("2024-01-21")
    script.sync()
    assert script.mrr_by_month() == {"2024-01": {"USD": 10}}
    script.stripe.at("2024-02-01")
    script.stripe.update("sub_1", "deleted", status="canceled", ended_at=script.stripe.now)
    script.stripe.at("2024-02-02")
    script.sync()
    [*_, last] = script.stretches("sub_1")
    assert last[1:3] == ("2024-02-01", "canceled")
    assert script.mrr_by_month() == {"2024-01": {"USD": 10}}


def test_the_past_as_an_older_version_of_the_api_tells_it(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN, 2))
    script.stripe.at("2024-01-10")
    script.sync()
    script.stripe.at("2024-01-16")
    script.stripe.create(THIRTY)
    it = script.stripe.found("sub_1")
    was = copy.deepcopy(it["items"]["data"][0])
    plan = {**was.pop("plan"), "object": "plan"}
    del was["price"], was["current_period_start"], was["current_period_end"]
    it["items"] = items_of(script, d.item("si_1", THIRTY))
    # What a version of 2019 called it: plans, and the first item's plan and quantity twice.
    script.stripe.tell(
        "customer.subscription.updated", it,
        {
            "items": {"data": [{**was, "plan": plan}]}, "plan": plan, "quantity": 2,
            "current_period_end": d.unix("2024-02-01"), "tax_percent": None,
            "latest_invoice": "in_before",
        },
        api_version="2019-05-16",
    )  # fmt: skip
    script.stripe.at("2024-01-20")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-16", "active", 20),
        ("2024-01-16", None, "active", 30),
    ]


def test_a_subscription_with_more_than_ten_items(script: Script) -> None:
    dollars = [d.price(f"price_{n}", n * 100) for n in range(1, 13)]
    items = [d.item(f"si_{n}", of) for n, of in enumerate(dollars, 1)]
    subscribed(script, *items)
    script.stripe.at("2024-01-10")
    script.sync()
    assert len(script.raw("subscription_state_items")) == 12
    assert script.stretches("sub_1") == [("2024-01-01", None, "active", 78)]
    items[2] = d.item("si_3", dollars[2], 2)
    changed(script, "2024-01-16", *items)
    script.stripe.at("2024-01-20")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-16", "active", 78),
        ("2024-01-16", None, "active", 81),
    ]


def test_a_discount_of_the_customer_is_taken_off_what_has_none_of_its_own(script: Script) -> None:
    """A fifth of 10 and 30 from the 11th on; of 30 not while it has its own; of none at last."""
    ever, months = (
        d.coupon("ever", percent_off=20.0),
        d.coupon("months", percent_off=10.0, duration="repeating", duration_in_months=3),
    )
    subscribed(script, d.item("si_1", TEN))
    script.stripe.create(ever, months, THIRTY)
    script.stripe.create(
        d.subscription("sub_2", "cus_1", [d.item("si_2", THIRTY)], start_date=script.stripe.now)
    )
    script.stripe.at("2024-01-10")
    script.sync()
    assert script.mrr_by_month() == {"2024-01": {"USD": 40}}
    script.stripe.at("2024-01-11")
    of_customer = d.discount("di_1", ever, None, "2024-01-11", customer="cus_1")
    script.stripe.found("cus_1")["discount"] = of_customer
    script.stripe.tell("customer.discount.created", of_customer)
    script.stripe.at("2024-02-05")
    script.sync()
    own = d.discount("di_2", months, "sub_2", "2024-02-05", customer="cus_1")
    script.stripe.update("sub_2", discounts=[own])
    script.stripe.at("2024-03-05")
    script.stripe.tell("customer.discount.deleted", of_customer)
    script.stripe.found("cus_1")["discount"] = None
    script.stripe.at("2024-03-06")
    report = script.sync()
    assert not [it for it in report.warnings if "discount" in it]
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-11", "active", 10), ("2024-01-11", "2024-03-05", "active", 8),
        ("2024-03-05", None, "active", 10),
    ]  # fmt: skip
    assert script.stretches("sub_2") == [
        ("2024-01-01", "2024-01-11", "active", 30), ("2024-01-11", "2024-02-05", "active", 24),
        ("2024-02-05", None, "active", 30),
    ]  # fmt: skip
    assert script.sync().is_unchanged


def test_a_discount_of_the_customer_between_two_loads(script: Script) -> None:
    ever = d.coupon("ever", percent_off=20.0)
    subscribed(script, d.item("si_1", TEN))
    script.stripe.create(ever)
    script.sync()
    script.stripe.at("2024-01-11")
    gone = d.discount("di_1", ever, None, "2024-01-11", customer="cus_1")
    script.stripe.tell("customer.discount.created", gone)
    script.stripe.at("2024-01-12")
    script.stripe.tell("customer.discount.deleted", gone)
    script.sync("entities: [customers]")
    script.sync()
    assert script.stretches("sub_1")[1] == ("2024-01-11", "2024-01-12", "active", 8)


def test_yen_have_no_hundredths_and_dinars_have_thousandths(script: Script) -> None:
    yen = d.price("price_jpy", 180_001, "jpy", "year")
    dinar = d.price("price_kwd", 12_340, "kwd")
    subscribed(script, d.item("si_1", yen))
    script.stripe.create(
        dinar, d.subscription("sub_2", "cus_1", [d.item("si_2", dinar, 3)], currency="kwd",
                              start_date=script.stripe.now),
    )  # fmt: skip
    script.stripe.at("2024-01-10")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", None, "active", Decimal("15000.083333"))
    ]  # fmt: skip
    assert script.stretches("sub_2") == [("2024-01-01", None, "active", Decimal("37.02"))]
    assert script.mrr_by_month() == {
        "2024-01": {"JPY": Decimal("15000.083333"), "KWD": Decimal("37.02")}
    }
