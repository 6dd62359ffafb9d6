"""What accounts of real companies have and a tidy one has not: each case worked by hand."""

from __future__ import annotations

from pathlib import Path

import documents as d
import pytest
from books import KEY, MAPPED, Script
from scripted import ScriptedStripe

from ingestion.errors import SourceError
from ingestion.sandbox.server import serving

HUNDRED = d.price("price_100", 10_000)
OF_THE_ITEM = {"subscription": "sub_1", "item": "si_1"}


def subscribed(script: Script, *items: d.Document, **told: object) -> None:
    """From now on `cus_1` has `sub_1`."""
    script.stripe.create(d.customer("cus_1"), *(it["price"] for it in items))
    script.stripe.create(
        d.subscription("sub_1", "cus_1", items, start_date=script.stripe.now, **told)
    )


def half_off(start: str) -> tuple[d.Document, d.Document]:
    """A coupon and the discount of `sub_1` by it."""
    coupon = d.coupon("half", percent_off=50.0)
    return coupon, d.discount("di_1", coupon, "sub_1", start, customer="cus_1")


def told(script: Script, begin: str) -> list[str]:
    """The warnings of a load that begin so."""
    return [it for it in script.sync().warnings if it.startswith(begin)]


@pytest.mark.parametrize("last", [10, 0])
def test_tiers_are_billed_in_a_line_each(script: Script, last: int) -> None:
    tiers = [
        {"up_to": 10, "unit_amount": 1_000, "unit_amount_decimal": "1000", "flat_amount": 2_000,
         "flat_amount_decimal": "2000"},
        {"up_to": None, "unit_amount": 800, "unit_amount_decimal": "800", "flat_amount": None,
         "flat_amount_decimal": None},
    ]  # fmt: skip
    steps = d.price("steps", None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    subscribed(script, d.item("si_1", steps, 25))
    for month, (start, end) in enumerate(
        [("2024-01-01", "2024-02-01"), ("2024-02-01", "2024-03-01")]
    ):
        above = 5 if month == 0 else 15
        lines = [
            d.line(f"il_{month}_{position}", amount, start, end, steps, quantity, **OF_THE_ITEM)
            for position, (amount, quantity) in enumerate(
                [(10_000, 10), (2_000, 0), (800 * above, above)], start=last
            )
        ]
        script.stripe.at(start)
        bill = d.invoice(f"in_{month}", "cus_1", lines, subscription="sub_1", finalized_at=start)
        script.stripe.create(bill)
    script.stripe.at("2024-06-01")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-02-01", "active", 160),
        ("2024-02-01", None, "active", 240),
    ]


def test_what_is_only_authorised_is_no_money(script: Script) -> None:
    held = {"captured": False, "amount_captured": 0}
    script.stripe.create(
        d.customer("cus_1"),
        d.charge("ch_taken", "cus_1", 1_000),
        d.charge("ch_held", "cus_1", 2_000, **held),
        d.charge("ch_given_up", "cus_1", 3_000, **held),
        d.charge("ch_in_part", "cus_1", 4_000, amount_captured=1_500),
        d.document("refund", id="re_1", charge="ch_given_up", amount=3_000, currency="usd",
                   status="succeeded"),
        d.document("refund", id="re_2", charge="ch_in_part", amount=500, currency="usd",
                   status="succeeded", balance_transaction="txn_1"),
    )  # fmt: skip
    script.sync()
    paid = {id: row["amount"] for id, row in script.staged("payments").items()}
    assert paid == {"ch_taken": 10, "ch_in_part": 15, "re_2": -5}


def test_what_goes_to_the_balance_is_not_paid_back(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    line = d.line("il_1", 10_000, "2024-01-01", "2024-01-01")
    of = d.invoice("in_1", "cus_1", [line], finalized_at="2024-01-01")
    script.stripe.create(of)

    def paid_already(id: str, amount: int, **told: object) -> d.Document:
        told = {"type": "post_payment", "pre_payment_amount": 0, **told}
        return d.credit_note(id, of, amount, post_payment_amount=amount, **told)

    script.stripe.create(
        paid_already("cn_1", 2_000, customer_balance_transaction="cbtxn_1"),
        paid_already("cn_2", 3_000, customer_balance_transaction="t2", out_of_band_amount=1_000),
        paid_already("cn_3", 500, out_of_band_amount=500),
    )
    script.sync()
    notes = {id: row["amount"] for id, row in script.staged("credit_notes").items()}
    assert notes == {"cn_2": 10, "cn_3": 5}


@pytest.mark.parametrize("is_loaded_before", [True, False])
def test_a_discount_whose_end_the_subscription_tells(
    script: Script, is_loaded_before: bool
) -> None:
    coupon, discount = half_off("2024-01-01")
    script.stripe.create(coupon)
    subscribed(script, d.item("si_1", HUNDRED), discounts=[discount])
    if is_loaded_before:
        script.sync()
    script.stripe.at("2024-01-10T08:00")
    sub = script.stripe.found("sub_1")
    sub["discounts"] = []
    # Before 2025 a subscription showed the one that it had.
    was = (
        {"discounts": ["di_1"]}
        if is_loaded_before
        else {"discount": {**discount, "coupon": coupon}}
    )
    script.stripe.tell("customer.subscription.updated", sub, was, api_version="2024-06-20")
    script.stripe.at("2024-01-20")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-10 08:00", "active", 50),
        ("2024-01-10 08:00", None, "active", 100),
    ]


def test_a_discount_that_nothing_shows_any_more_is_said(script: Script) -> None:
    subscribed(script, d.item("si_1", HUNDRED))
    script.stripe.at("2024-01-10")
    script.stripe.tell(
        "customer.subscription.updated", script.stripe.found("sub_1"), {"discounts": ["di_gone"]}
    )
    [warning] = told(script, "discounts: 1 were removed")
    assert "di_gone" in warning


@pytest.mark.parametrize("of", ["item", "subscription", "customer"])
def test_a_coupon_that_is_deleted_is_still_taken_off(script: Script, of: str) -> None:
    coupon, discount = half_off("2024-01-01")
    script.stripe.create(coupon)
    if of == "customer":
        subscribed(script, d.item("si_1", HUNDRED))
        script.stripe.found("cus_1")["discount"] = {**discount, "subscription": None}
    elif of == "item":
        of_item = {**discount, "subscription_item": "si_1"}
        subscribed(script, d.item("si_1", HUNDRED, discounts=[of_item]))
    else:
        subscribed(script, d.item("si_1", HUNDRED), discounts=[discount])
    script.stripe.delete("half")
    assert told(script, "coupons") == []
    assert script.stretches("sub_1") == [("2024-01-01", None, "active", 50)]


def test_a_trial_that_ended_without_a_card_long_ago_never_paid(script: Script) -> None:
    trial = {"trial_start": d.unix("2024-01-01"), "trial_end": d.unix("2024-01-15")}
    subscribed(script, d.item("si_1", HUNDRED), status="paused", **trial)
    script.stripe.at("2024-06-01")
    assert told(script, "subscriptions") == []
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-15", "trialing", 100),
        ("2024-01-15", None, "paused", 100),
    ]


def test_of_what_is_unpaid_when_events_begin_nobody_tells_since_when(script: Script) -> None:
    subscribed(script, d.item("si_1", HUNDRED), status="unpaid")
    script.stripe.at("2024-06-01")
    for day in ("2024-06-01", "2024-06-02"):
        script.stripe.at(day)
        [warning] = told(script, "subscriptions: 1 were unpaid or on hold when events begin")
        assert "sub_1@since-" in warning


def test_what_is_not_taken_into_account_is_said_at_every_load(script: Script) -> None:
    script.stripe.create(
        d.customer("cus_1"), d.customer("cus_2"),
        d.charge("ch_1", "cus_1", 1_000), d.charge("ch_2", None, 2_000),
    )  # fmt: skip
    for day in ("2024-01-03", "2024-01-04"):
        script.stripe.at(day)
        warnings = script.sync().warnings
        assert [it.split(",")[0] for it in warnings] == [
            "charges: 1 that succeeded name no customer",
        ]


def test_prices_with_tax_in_them_are_said_at_every_load(script: Script) -> None:
    """By Stripe's own reckoning of tax, or by a rate given by hand; not where no tax is taken."""
    within = d.price("within", 12_000, tax_behavior="inclusive")
    beside = d.price("beside", 10_000, tax_behavior="exclusive")
    rate = d.document("tax_rate", id="txr_1", inclusive=True, percentage=20.0)
    reckoned = {"automatic_tax": {"enabled": True, "liability": None, "disabled_reason": None}}
    given = {"default_tax_rates": [rate]}
    script.stripe.create(d.customer("cus_1"), within, beside)
    for id, price, more in (
        ("sub_1", within, reckoned), ("sub_2", beside, given), ("sub_3", within, {}),
        ("sub_4", beside, reckoned), ("sub_5", within, {**reckoned, "status": "canceled"}),
    ):  # fmt: skip
        item = d.item(f"si_{id}", price)
        told = {"start_date": script.stripe.now, **more}
        script.stripe.create(d.subscription(id, "cus_1", [item], **told))
    item = d.item("si_6", beside, tax_rates=[rate])
    script.stripe.create(
        d.subscription("sub_6", "cus_1", [item], start_date=script.stripe.now, status="past_due")
    )
    for day in ("2024-01-02", "2024-01-03"):
        script.stripe.at(day)
        [warning] = script.sync().warnings
        assert warning.startswith("subscriptions: 3 that are live have prices with tax in them")
        assert warning.endswith("sub_1, sub_2, sub_6")
    script.stripe.update("sub_1", status="canceled", ended_at=script.stripe.now)
    script.stripe.at("2024-01-04")
    [warning] = script.sync().warnings
    assert warning.startswith("subscriptions: 2 ")


def test_an_invoice_of_no_customer_is_said(script: Script) -> None:
    line = d.line("il_1", 10_000, "2024-01-01", "2024-01-01")
    of_nobody = d.invoice("in_1", "", [line], finalized_at="2024-01-01", customer_account="acct_1")
    script.stripe.create(d.customer("cus_1"), {**of_nobody, "customer": None})
    for day in ("2024-01-02", "2024-01-03"):
        script.stripe.at(day)
        assert len(told(script, "invoices: 1 name no customer")) == 1


def test_the_key_of_another_account_is_refused(
    script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script.stripe.create(d.customer("cus_1"), d.charge("ch_1", "cus_1", 1_000))
    script.sync()
    script.stripe.delete("cus_1")
    script.stripe.at("2024-01-02")
    script.sync()
    other = ScriptedStripe("2024-01-02")
    other.create(d.customer("cus_2"), d.charge("ch_2", "cus_2", 77_700))
    with serving(other) as url:
        ours, script.url = script.url, url
        monkeypatch.setenv("STRIPE_API_KEY", "sk_live_of_another")
        with pytest.raises(SourceError, match=r"no customer cus_1.*another account.*test, live"):
            script.sync()
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    script.url = ours
    assert script.sync(MAPPED).is_unchanged
    assert script.raw("charges").keys() == {"ch_1"}
