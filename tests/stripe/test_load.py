"""What a load takes in, what it cannot, and what it says then: a Stripe written by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal

import documents as d
import pytest
from books import MAPPED, Script

from ingestion.errors import SourceError
from ingestion.sources.stripe.client import VERSION


def requests(script: Script) -> list[str]:
    """The paths of the requests since the last time."""
    found = [path for path, _ in script.stripe.requests]
    script.stripe.requests.clear()
    return found


def invoiced(script: Script, *lines: d.Document, id: str = "in_1", **told: object) -> None:
    script.stripe.create(d.invoice(id, "cus_1", lines, **told))


def line(id: str, amount: int = 1_000, **told: object) -> d.Document:
    return d.line(id, amount, "2024-01-01", "2024-02-01", **told)


def test_each_load_records_the_version_and_the_moment_up_to_which_all_is_loaded(
    script: Script,
) -> None:
    script.stripe.create(d.customer("cus_1"))
    script.stripe.at("2024-01-02")
    script.sync()
    rows = script.read("select distinct api_version, synced_to from raw_stripe.exports")
    assert rows == [{"api_version": VERSION, "synced_to": dt.datetime(2024, 1, 2)}]


def test_an_answer_in_another_version_of_the_api_is_refused(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    script.stripe.version = "2024-06-20"
    with pytest.raises(SourceError, match=rf"is in version 2024-06-20 of the API, and {VERSION}"):
        script.sync()
    assert not (script.folder / "data").exists() or not script.read(
        "select 1 from information_schema.tables where table_schema = 'raw_stripe'"
    )


def test_a_currency_that_is_none_is_rejected_until_it_is_one(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoiced(script, line("il_1"), currency="xyz", finalized_at="2024-01-01")
    invoiced(script, line("il_2"), id="in_2", finalized_at="2024-01-01")
    script.sync()
    [rejected] = script.read("select * from raw_stripe.rejected")
    assert rejected["source_id"] == "in_1"
    assert rejected["reason"].startswith("currency = xyz: not a currency of ISO 4217")
    assert json.loads(rejected["record"])["lines"]["data"][0]["id"] == "il_1"
    assert script.raw("invoices").keys() == {"in_2"}
    # It is read again though no event tells of it.
    script.stripe.found("in_1")["currency"] = "eur"
    script.stripe.at("2024-01-05")
    requests(script)
    script.sync()
    assert "/v1/invoices/in_1" in requests(script)
    assert script.raw("invoices")["in_1"]["currency"] == "EUR"
    assert script.sync().is_unchanged
    assert "/v1/invoices/in_1" not in requests(script)


def test_a_line_that_is_rejected_is_read_again_with_its_invoice(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoiced(script, line("il_1", quantity="many"), line("il_2"), finalized_at="2024-01-01")
    script.sync()
    [rejected] = script.read("select * from raw_stripe.rejected")
    assert (rejected["source_id"], rejected["reason"]) == (
        "il_1", "quantity = many: not a number"
    )  # fmt: skip
    assert script.sync().is_unchanged
    script.stripe.found("in_1")["lines"]["data"][0]["quantity"] = 3
    script.sync()
    assert script.raw("invoice_lines")["il_1"]["quantity"] == 3


def test_a_currency_in_doubt_is_asked_for_before_anything_is_written(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoiced(script, line("il_1", currency="ugx"), currency="ugx", finalized_at="2024-01-01")
    with pytest.raises(SourceError, match=r"under the source stripe, `minor_units: \{UGX: 0\}`"):
        script.sync()
    script.sync(f"{MAPPED}\n    minor_units: {{UGX: 2}}")
    assert script.raw("invoices")["in_1"]["total"] == Decimal(10)


def test_charges_of_no_customer_are_counted(script: Script) -> None:
    script.stripe.create(d.charge("ch_1", None, 500), d.charge("ch_2", None, 500, status="failed"))
    report = script.sync()
    assert [told.split(";")[0] for told in report.warnings] == [
        "charges: 1 that succeeded name no customer, so they are no payments"
    ]


def test_a_discount_that_was_removed_has_its_end(script: Script) -> None:
    basic, coupon = d.price("price_1", 1_000), d.coupon("ten", percent_off=10.0)
    kept, taken = (
        d.discount(f"di_{n}", coupon, "sub_1", "2024-01-01", customer="cus_1") for n in (1, 2)
    )
    subscription = d.subscription(
        "sub_1", "cus_1", [d.item("si_1", basic)], discounts=[kept, taken],
        start_date=script.stripe.now,
    )  # fmt: skip
    script.stripe.create(d.customer("cus_1"), basic, coupon, subscription)
    script.sync()
    assert {it["ends_at"] for it in script.raw("discounts").values()} == {None}
    script.stripe.at("2024-01-10 12:00")
    script.stripe.tell("customer.discount.deleted", taken)
    subscription = script.stripe.found("sub_1")
    subscription["discounts"] = [kept]
    script.stripe.at("2024-01-11")
    script.sync()
    ends = {id: it["ends_at"] for id, it in script.raw("discounts").items()}
    assert ends == {"di_1": None, "di_2": dt.datetime(2024, 1, 10, 12)}
    # One that no event tells of ends with the load that misses it.
    subscription["discounts"] = []
    script.stripe.at("2024-01-12")
    script.stripe.update("sub_1", metadata={"seen": "1"})
    script.stripe.at("2024-01-13")
    script.sync()
    ends = {id: it["ends_at"] for id, it in script.raw("discounts").items()}
    assert ends["di_1"] == dt.datetime(2024, 1, 13)
    assert script.sync().is_unchanged


def test_what_takes_nothing_off_is_said(script: Script) -> None:
    basic, coupon = d.price("price_1", 1_000), d.coupon("ten", percent_off=10.0)
    discount = d.discount("di_1", coupon, "sub_1", "2024-01-01")
    discount["source"]["coupon"] = "ten"
    script.stripe.create(
        d.customer("cus_1"), basic,
        d.subscription("sub_1", "cus_1", [d.item("si_1", basic)], discounts=[discount]),
    )  # fmt: skip
    report = script.sync()
    assert any(it.startswith("coupons: 1 are in use but deleted") for it in report.warnings)


def test_a_pending_item_goes_once_it_is_billed(script: Script) -> None:
    item = d.document(
        "invoiceitem", id="ii_1", customer="cus_1", amount=-250, currency="usd", quantity=1,
        quantity_decimal="1", proration=True, period={"start": 1, "end": 2}, invoice=None, date=1,
        parent={"type": "subscription_details", "subscription_details":
                {"subscription": "sub_1", "subscription_item": "si_1"}},
    )  # fmt: skip
    script.stripe.create(d.customer("cus_1"), item)
    script.sync()
    [row] = script.raw("invoice_items").values()
    assert (row["amount"], row["is_credit"], row["subscription_item"]) == (-2.5, True, "si_1")
    script.stripe.found("ii_1")["invoice"] = "in_1"
    script.stripe.at("2024-01-20")
    script.sync()
    assert script.raw("invoice_items") == {}


def test_what_is_deleted_between_its_event_and_its_reading(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"), d.product("prod_1"))
    script.sync()
    script.stripe.at("2024-01-05")
    script.stripe.update("prod_1", name="Other")
    script.stripe.objects["product"].clear()  # no stub is left: it answers 404
    invoiced(script, line("il_1"), status="draft")
    invoiced(script, line("il_2"), id="in_2", status="draft")
    script.stripe.delete("in_2")
    script.sync()
    assert script.raw("products") == {}
    assert script.raw("invoices").keys() == {"in_1"}
    script.stripe.at("2024-01-06")
    script.stripe.delete("in_1")
    script.sync()
    assert script.raw("invoices") == script.raw("invoice_lines") == {}


def test_a_line_that_left_its_draft_is_gone(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoiced(script, line("il_1"), line("il_2"), status="draft")
    script.sync()
    script.stripe.at("2024-01-05")
    draft = script.stripe.found("in_1")
    script.stripe.update("in_1", lines={**draft["lines"], "data": draft["lines"]["data"][1:]})
    script.sync()
    assert script.raw("invoice_lines").keys() == {"il_2"}


def at_path(script: Script, path: str, do: Callable[[], None], once: bool = True) -> None:
    """Do something before the answer to a request of a path."""
    is_done: list[bool] = []

    def asked(found: str) -> None:
        if found == path and not (once and is_done):
            is_done.append(True)
            do()

    script.stripe.asked = asked


def test_what_changes_while_it_is_read_is_read_again(script: Script) -> None:
    basic, better = d.price("price_1", 1_000), d.price("price_2", 2_000)
    item = d.item("si_1", basic)
    script.stripe.create(
        d.customer("cus_1"), basic, better, d.subscription("sub_1", "cus_1", [item])
    )

    def change() -> None:
        script.stripe.at("2024-01-09 00:00:10")
        script.stripe.update("cus_1", name="Renamed")
        shown = script.stripe.found("sub_1")["items"]
        script.stripe.update("sub_1", items={**shown, "data": [d.item("si_1", better)]})

    script.stripe.at("2024-01-09")
    at_path(script, "/v1/charges", change)
    script.sync()
    assert script.raw("customers")["cus_1"]["name"] == "Renamed"
    prices = [it["price"] for it in script.raw("subscription_state_items").values()]
    assert sorted(prices) == ["price_1", "price_2"]


def test_what_is_deleted_or_shrinks_while_the_first_load_reads_it(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"), d.customer("cus_2"))
    invoiced(script, line("il_1"), line("il_2"), status="draft")
    invoiced(script, line("il_3"), id="in_2", status="draft")
    invoiced(script, line("il_5"), id="in_5", status="draft")
    invoiced(script, line("il_4"), id="in_3", finalized_at="2024-01-01", customer_name="Two")
    script.stripe.found("in_3")["customer"] = "cus_2"

    def change() -> None:
        script.stripe.at("2024-01-09 00:00:10")
        shown = script.stripe.found("in_1")["lines"]
        script.stripe.update("in_1", lines={**shown, "data": shown["data"][1:]})
        script.stripe.update("in_5", lines=d.page_of([], "/v1/invoices/in_5/lines"))
        script.stripe.delete("in_2")
        script.stripe.delete("cus_2")

    script.stripe.at("2024-01-09")
    at_path(script, "/v1/charges", change)
    script.sync()
    assert script.raw("invoices").keys() == {"in_1", "in_3", "in_5"}
    assert script.raw("invoice_lines").keys() == {"il_2", "il_4"}
    deleted = [it for it in script.versions("customers") if it["is_deleted"]]
    assert [(it["source_id"], it["name"]) for it in deleted] == [("cus_2", "Two")]
    assert script.sync().is_unchanged


def test_a_load_ends_though_something_changes_all_the_time(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    names = iter(range(1_000))

    def change() -> None:
        script.stripe.now += 1
        script.stripe.update("cus_1", name=f"Name {next(names)}")

    script.sync()
    script.stripe.at("2024-01-05")
    at_path(script, "/v1/customers/cus_1", change, once=False)
    script.stripe.update("cus_1", name="First")
    requests(script)
    script.sync()
    assert len([path for path in requests(script) if path == "/v1/customers/cus_1"]) == 7
    script.stripe.asked = lambda path: None
    script.sync()
    found = script.stripe.found("cus_1")["name"]
    assert script.raw("customers")["cus_1"]["name"] == found


def test_events_of_what_is_not_read_ask_for_nothing(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    script.stripe.at("2024-01-02")
    script.sync()
    script.stripe.at("2024-01-03")
    upcoming = d.invoice("in_x", "cus_1", [line("il_1")])
    del upcoming["id"]
    script.stripe.tell("invoice.upcoming", upcoming)
    script.stripe.tell("payment_intent.created", {"id": "pi_1", "object": "payment_intent"})
    requests(script)
    assert script.sync().is_unchanged
    assert {path for path in requests(script) if path.count("/") == 3} == {"/v1/customers/cus_1"}


def test_entities_that_are_not_read_are_not_asked_for_and_not_kept(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"), d.charge("ch_1", "cus_1", 500))
    invoiced(script, line("il_1"), finalized_at="2024-01-01")
    script.sync()
    assert script.raw("charges").keys() == {"ch_1"}
    requests(script)
    few = f"{MAPPED}\n    entities: [customers, invoices, invoice_lines]"
    script.sync(few)
    asked = {path.split("/")[2] for path in requests(script)}
    assert asked == {"events", "customers", "invoices", "products"}
    assert script.raw("charges") == {}
    assert script.raw("invoices").keys() == {"in_1"}
    assert script.sync(few).is_unchanged
    script.sync()
    assert script.raw("charges").keys() == {"ch_1"}


def test_lines_that_are_not_read_are_not_kept(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoiced(script, line("il_1"), finalized_at="2024-01-01")
    script.sync(f"{MAPPED}\n    entities: [customers, invoices]")
    assert script.raw("invoices").keys() == {"in_1"}
    assert script.raw("invoice_lines") == {}


def test_a_past_without_lines_is_said(script: Script) -> None:
    report = script.sync("entities: [customers, subscriptions]")
    assert any("read without invoice_lines: before 2023-12-02" in it for it in report.warnings)


def test_after_a_gap_an_idle_account_is_listed_once(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    script.sync()
    script.stripe.at("2024-02-10")
    report = script.sync()
    assert any("the last load is of 2024-01-01 00:00" in told for told in report.warnings)
    script.stripe.at("2024-02-11")
    requests(script)
    report = script.sync()
    assert report.is_unchanged
    assert report.warnings == ()
    assert "/v1/customers" not in requests(script)


def test_a_list_that_shrank_is_refused(script: Script) -> None:
    script.stripe.create(*(d.customer(f"cus_{n}") for n in range(10)))
    script.sync()
    for n in range(5):
        del script.stripe.objects["customer"][f"cus_{n}"]
    script.stripe.at("2024-02-10")
    with pytest.raises(SourceError, match="customers: the list has 5 records, the last one had 10"):
        script.sync()
    script.sync(force=True)
    assert len(script.raw("customers")) == 5
