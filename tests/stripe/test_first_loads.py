"""What was before the first load, which no event tells any more: worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import documents as d
import pytest
from books import Script
from scripted import ScriptedStripe

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.loading.reports import ExtractContext, quiet
from ingestion.sandbox.server import serving
from ingestion.sources.stripe.extraction import extract
from ingestion.sources.stripe.tables import TABLES
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables
from tests.compiled_models import CompiledModels

HUNDRED = d.price("price_100", 120_000, interval="year")
TWO_HUNDRED = d.price("price_200", 240_000, interval="year")
TEN = d.price("price_10", 1_000)
THIRTY = d.price("price_30", 3_000)
TOLD_TWICE = ("subscriptions", "invoices", "payments", "credit_notes")
"""Of what two sources give the company has to say which part each has."""
OF_THE_ITEM = {"subscription": "sub_1", "item": "si_1"}


def subscribed(script: Script, *items: d.Document, **told: object) -> None:
    """From now on `cus_1` has `sub_1`."""
    script.stripe.create(d.customer("cus_1"), *(it["price"] for it in items))
    script.stripe.create(
        d.subscription("sub_1", "cus_1", items, start_date=script.stripe.now, **told)
    )


def billed(script: Script, id: str, *lines: d.Document) -> None:
    """`sub_1` is billed now."""
    at = script.as_of.isoformat()
    script.stripe.create(d.invoice(id, "cus_1", lines, subscription="sub_1", finalized_at=at))


def has_now(script: Script, *items: d.Document) -> None:
    """`sub_1` comes to consist of other items, now."""
    prices = [it["price"] for it in items]
    script.stripe.create(*(of for of in prices if of["id"] not in script.stripe.objects["price"]))
    held = [{**it, "subscription": "sub_1"} for it in items]
    script.stripe.update("sub_1", items={**script.stripe.found("sub_1")["items"], "data": held})


def month_of(of: d.Document, start: str, end: str, quantity: int = 1) -> d.Document:
    """A line that bills `si_1` for a month."""
    amount = of["unit_amount"] * quantity
    return d.line(f"il_{start}", amount, start, end, of, quantity, **OF_THE_ITEM)


def test_an_upgrade_that_is_not_billed_yet(script: Script) -> None:
    subscribed(script, d.item("si_1", HUNDRED))
    billed(
        script, "in_1", d.line("il_1", 120_000, "2024-01-01", "2025-01-01", HUNDRED, **OF_THE_ITEM)
    )
    script.stripe.at("2024-03-10")
    has_now(script, d.item("si_1", TWO_HUNDRED))
    period = "2024-03-10", "2025-01-01"
    script.stripe.create(
        d.invoice_item("ii_1", "cus_1", -97_400, *period, HUNDRED, "sub_1", "si_1"),
        d.invoice_item("ii_2", "cus_1", 194_800, *period, TWO_HUNDRED, "sub_1", "si_1"),
    )
    script.stripe.at("2024-06-01")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-03-10", "active", 100),
        ("2024-03-10", None, "active", 200),
    ]


def test_an_item_that_took_the_place_of_another(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    billed(script, "in_1", month_of(TEN, "2024-01-01", "2024-02-01"))
    script.stripe.at("2024-01-16")
    has_now(script, d.item("si_2", THIRTY))
    rest = "2024-01-16", "2024-02-01"
    billed(
        script, "in_2",
        d.line("il_2", -516, *rest, TEN, is_proration=True, credited=True, **OF_THE_ITEM),
        d.line("il_3", 1_548, *rest, THIRTY, 1, "sub_1", "si_2", is_proration=True),
    )  # fmt: skip
    script.stripe.at("2024-02-01")
    billed(
        script, "in_3",
        d.line("il_4", 3_000, "2024-02-01", "2024-03-01", THIRTY, 1, "sub_1", "si_2"),
    )  # fmt: skip
    script.stripe.at("2024-06-01")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-16", "active", 10),
        ("2024-01-16", None, "active", 30),
    ]


def test_a_downgrade_in_mid_period_and_one_with_the_next(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN, 9))
    billed(script, "in_1", month_of(TEN, "2024-01-01", "2024-02-01", 9))
    script.stripe.at("2024-01-16")
    has_now(script, d.item("si_1", TEN, 5))
    rest = "2024-01-16", "2024-02-01"
    part = {**OF_THE_ITEM, "is_proration": True}
    script.stripe.at("2024-02-01")
    billed(
        script, "in_2",
        d.line("il_2", -4_645, *rest, TEN, 9, credited=True, **part),
        d.line("il_3", 2_581, *rest, TEN, 5, **part),
        month_of(TEN, "2024-02-01", "2024-03-01", 5),
    )  # fmt: skip
    script.stripe.at("2024-03-01")
    has_now(script, d.item("si_1", TEN, 2))
    billed(script, "in_3", month_of(TEN, "2024-03-01", "2024-04-01", 2))
    script.stripe.at("2024-06-01")
    script.sync()
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-16", "active", 90),
        ("2024-01-16", "2024-03-01", "active", 50),
        ("2024-03-01", None, "active", 20),
    ]


def test_a_change_in_a_gap_of_events_is_told_by_invoices(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    billed(script, "in_1", month_of(TEN, "2024-01-01", "2024-02-01"))
    script.stripe.at("2024-01-10")
    script.sync()
    script.stripe.at("2024-01-16")
    has_now(script, d.item("si_1", THIRTY))
    part = {**OF_THE_ITEM, "is_proration": True}
    rest = "2024-01-16", "2024-02-01"
    script.stripe.at("2024-02-01")
    billed(
        script, "in_2",
        d.line("il_2", -516, *rest, TEN, credited=True, **part),
        d.line("il_3", 1_548, *rest, THIRTY, **part),
        month_of(THIRTY, "2024-02-01", "2024-03-01"),
    )  # fmt: skip
    script.stripe.at("2024-03-20")
    report = script.sync()
    assert any("30 days" in it for it in report.warnings)
    assert script.stretches("sub_1") == [
        ("2024-01-01", "2024-01-16", "active", 10),
        ("2024-01-16", None, "active", 30),
    ]


def test_a_subscription_that_was_made_after_it_began(script: Script) -> None:
    script.stripe.at("2024-02-10")
    subscribed(script, d.item("si_1", TEN))
    script.stripe.found("sub_1")["start_date"] = d.unix("2024-01-15")
    script.stripe.at("2024-02-12")
    script.sync()
    assert script.stretches("sub_1") == [("2024-01-15", None, "active", 10)]


def test_what_ended_long_ago(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN, 3))
    billed(script, "in_1", d.line("il_1", 3_000, "2024-01-01", "2024-02-01", TEN, 3, **OF_THE_ITEM))
    script.stripe.at("2024-02-15")
    script.stripe.update("sub_1", "deleted", status="canceled", ended_at=script.stripe.now)
    script.stripe.at("2024-06-01")
    script.sync()
    assert script.stretches("sub_1") == [("2024-01-01", "2024-02-15", "canceled", 30)]
    assert script.mrr_by_month() == {"2024-01": {"USD": 30}}


def test_a_trial_long_ago_counts_for_nothing(script: Script) -> None:
    trial = {"trial_start": d.unix("2024-01-01"), "trial_end": d.unix("2024-01-15")}
    subscribed(script, d.item("si_1", TEN), status="trialing", **trial)
    script.stripe.at("2024-01-15")
    script.stripe.update("sub_1", status="active")
    script.stripe.at("2024-06-01")
    script.sync()
    [on_trial, after] = script.stretches("sub_1")
    assert on_trial[:3] == ("2024-01-01", "2024-01-15", "trialing")
    assert after == ("2024-01-15", None, "active", 10)


def test_coupons_for_ever_count_and_others_do_not(script: Script) -> None:
    given = {
        "always": d.coupon("always", amount_off=300, currency="usd"),
        "a while": d.coupon("while", percent_off=50.0, duration="repeating", duration_in_months=3),
        "once": d.coupon("once", percent_off=50.0, duration="once"),
    }
    script.stripe.create(*given.values())
    ends = {"a while": d.unix("2024-04-01")}
    discounts = [
        d.discount(f"di_{of['id']}", of, "sub_1", "2024-01-01", end=ends.get(name))
        for name, of in given.items()
    ]
    other = d.price("price_other", 3_000)
    subscribed(script, d.item("si_1", TEN), d.item("si_2", other), discounts=discounts)
    script.stripe.at("2024-01-05")
    script.sync()
    assert script.mrr_by_month() == {"2024-01": {"USD": 37}}


def test_a_quantity_that_is_sold_in_packages(script: Script) -> None:
    by_five = d.price("price_five", 1_000, transform_quantity={"divide_by": 5, "round": "up"})
    tiers = [
        {"up_to": 10, "unit_amount": 100, "unit_amount_decimal": "100",
         "flat_amount": 500, "flat_amount_decimal": "500"},
        {"up_to": None, "unit_amount": None, "unit_amount_decimal": "50.5",
         "flat_amount": None, "flat_amount_decimal": None},
    ]  # fmt: skip
    graduated = d.price("price_tiers", None, billing_scheme="tiered", tiers_mode="graduated",
                        tiers=tiers)  # fmt: skip
    subscribed(script, d.item("si_1", by_five, 11), d.item("si_2", graduated, 14))
    script.stripe.at("2024-01-05")
    script.sync()
    # 3 packages of 10.00; 10 of 1.00 and 5.00 for the first tier, 4 of 0.505 in the second.
    assert script.stretches("sub_1") == [
        ("2024-01-01", None, "active", 30 + Decimal("17.02"))
    ]  # fmt: skip


def test_an_event_about_what_has_no_id_is_none_of_anything(script: Script) -> None:
    subscribed(script, d.item("si_1", TEN))
    upcoming = d.invoice("in_x", "cus_1", [])
    del upcoming["id"]
    script.stripe.tell("invoice.upcoming", upcoming)
    script.stripe.at("2024-01-02")
    script.sync()
    script.stripe.at("2024-01-02 01:00")
    script.stripe.tell("invoice.upcoming", upcoming)
    script.sync()
    assert not script.raw("invoices")


@pytest.fixture
def two(data_folder: Path) -> Iterator[tuple[Path, list[ScriptedStripe]]]:
    """A company that reads two accounts, and these."""
    accounts = [ScriptedStripe("2024-01-01"), ScriptedStripe("2024-01-01")]
    with serving(accounts[0]) as one, serving(accounts[1]) as other:
        path = data_folder / "company.yml"
        path.write_text(
            "name: Two\ncurrency: USD\ntimezone: UTC\nsources:\n"
            + "".join(
                f"  - {{name: {name}, type: stripe, url: '{url}', "
                f"provides: {{{', '.join(f'{it}: {name}' for it in TOLD_TWICE)}}}}}\n"
                for name, url in (("here", one), ("there", other))
            )
        )
        yield path, accounts


def test_two_accounts_whose_objects_have_the_same_ids(
    two: tuple[Path, list[ScriptedStripe]], tmp_path: Path
) -> None:
    path, accounts = two
    for account, amount in zip(accounts, (1_000, 7_000), strict=True):
        of = d.price("price_1", amount)
        account.create(d.customer("cus_1"), of)
        account.create(
            d.subscription("sub_1", "cus_1", [d.item("si_1", of)], start_date=account.now)
        )
        line = d.line("il_1", amount, "2024-01-01", "2024-02-01", of, 1, **OF_THE_ITEM)
        account.create(
            d.invoice("in_1", "cus_1", [line], subscription="sub_1", finalized_at="2024-01-01")
        )
        account.at("2024-01-05")
    company = load_company(path)
    warehouse = Warehouse.of(company)
    for source in company.sources:
        folder = tmp_path / f"extraction-{source.name}"
        folder.mkdir()
        context = ExtractContext(company, warehouse, "raw_stripe", folder, False, quiet)
        with extract(context, source) as extraction:
            raw_tables.append(warehouse, "raw_stripe", TABLES, extraction.tables, folder)
    models = ("stg_stripe__subscriptions", "stg_stripe__invoices", "stg_stripe__invoice_lines")
    CompiledModels.of(company).build(now(), now(), models)
    for model, column in zip(models, ("mrr", "total", "amount"), strict=True):
        rows = warehouse.read(f"select * from staging.{model}").to_pylist()
        found = {(row["source_instance"], row[column]) for row in rows}
        assert found == {("here", 10), ("there", 70)}, model
        assert len(rows) == 2, model
