"""Stripe's own fixtures are loaded: each object that is about money here, or the reason why not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from books import Script
from scripted import LISTS

from ingestion.paths import PROJECT

FIXTURES = PROJECT.parent / "shared" / "data" / "stripe_fixtures" / "fixtures3.json"
LOADED = {
    "customer": "customers", "product": "products", "price": "prices", "coupon": "coupons",
    "discount": "discounts", "subscription": "subscriptions",
    "subscription_item": "subscription_state_items", "invoice": "invoices",
    "line_item": "invoice_lines", "invoiceitem": "invoice_items", "charge": "charges",
    "refund": "refunds", "dispute": "disputes", "credit_note": "credit_notes",
    "balance_transaction": "balance_transactions",
}  # fmt: skip
"""The objects that are loaded, and the tables that they come into."""
REJECTED = {"invoice_payment": "currency = currency: not a currency"}
"""The objects that are not, and what the reason says: their fixtures have placeholders."""
READ = {
    "deleted_customer": "it is what asking for a deleted customer answers",
    "event": "it is about a plan, and of plans nothing is read",
}
"""What is read, and why it is no record."""
OTHERS = """
    account account_link account_session apple_pay_domain application application_fee apps.secret
    balance balance_settings bank_account billing.alert billing.alert_triggered
    billing.credit_balance_summary billing.credit_balance_transaction billing.credit_grant
    billing.meter billing.meter_event billing.meter_event_adjustment billing.meter_event_summary
    billing_portal.configuration billing_portal.session capability card cash_balance
    checkout.session climate.order climate.product climate.supplier confirmation_token country_spec
    credit_note_line_item customer_balance_transaction customer_cash_balance_transaction
    customer_session deleted_account deleted_apple_pay_domain deleted_application
    deleted_bank_account deleted_card deleted_coupon deleted_discount deleted_external_account
    deleted_invoice deleted_invoiceitem deleted_payment_source deleted_person deleted_plan
    deleted_price deleted_product deleted_product_feature deleted_radar.value_list
    deleted_radar.value_list_item deleted_subscription_item deleted_tax_id
    deleted_terminal.configuration deleted_terminal.location deleted_terminal.reader
    deleted_test_helpers.test_clock deleted_webhook_endpoint
    entitlements.active_entitlement entitlements.active_entitlement_summary entitlements.feature
    ephemeral_key exchange_rate external_account fee_refund file file_link
    financial_connections.account financial_connections.account_owner
    financial_connections.account_ownership financial_connections.authorization
    financial_connections.session financial_connections.transaction forwarding.request
    funding_instructions identity.verification_report identity.verification_session
    invoice_rendering_template issuing.authorization issuing.card issuing.cardholder
    issuing.dispute issuing.personalization_design issuing.physical_bundle issuing.settlement
    issuing.token issuing.transaction item login_link mandate payment_attempt_record payment_intent
    payment_intent_amount_details_line_item payment_link payment_method
    payment_method_configuration payment_method_domain payment_record payment_source payout person
    plan product_feature promotion_code quote radar.early_fraud_warning radar.payment_evaluation
    radar.value_list radar.value_list_item reporting.report_run reporting.report_type reserve.hold
    reserve.plan reserve.release review scheduled_query_run setup_attempt setup_intent
    shipping_rate sigma.sigma_api_query source source_mandate_notification source_transaction
    subscription_schedule tax.association tax.calculation tax.calculation_line_item
    tax.registration tax.settings tax.transaction tax.transaction_line_item tax_code tax_id
    tax_rate terminal.configuration terminal.connection_token terminal.location
    terminal.onboarding_link terminal.reader terminal.refund test_helpers.test_clock token topup
    transfer transfer_reversal treasury.credit_reversal treasury.debit_reversal
    treasury.financial_account treasury.financial_account_features treasury.inbound_transfer
    treasury.outbound_payment treasury.outbound_transfer treasury.received_credit
    treasury.received_debit treasury.transaction treasury.transaction_entry webhook_endpoint
""".split()
"""What no table is made of: no bill, payment or subscription."""
SECONDS_OF_THE_FIXTURES = 1234567890


@pytest.fixture(scope="module")
def fixtures() -> dict[str, Any]:
    """Stripe's own fixtures by name."""
    if not FIXTURES.exists():
        pytest.skip(f"Stripe's own fixtures are not on this machine: {FIXTURES}")
    found: dict[str, Any] = json.loads(FIXTURES.read_bytes())["resources"]
    return found


def test_every_fixture_is_loaded_rejected_or_none_of_ours(fixtures: dict[str, Any]) -> None:
    sorted_out = [*LOADED, *REJECTED, *READ, *OTHERS]
    assert sorted(sorted_out) == sorted(fixtures)


def test_fixtures_that_are_about_money_come_into_raw(
    script: Script, fixtures: dict[str, Any]
) -> None:
    shown = copy.deepcopy(fixtures)
    stripe = script.stripe
    stripe.now = SECONDS_OF_THE_FIXTURES + 7 * 86_400
    for name in LISTS.values():
        stripe.objects[name][shown[name]["id"]] = shown[name]
    # What is within others: the parts of theirs that are another fixture.
    subscription = shown["subscription"]
    by_coupon = {"source": {"type": "coupon", "coupon": shown["coupon"]["id"]}}
    subscription["discounts"] = [
        {**shown["discount"], "subscription": subscription["id"], **by_coupon}
    ]
    shown["customer"]["discount"] |= by_coupon
    item = {**shown["subscription_item"], "subscription": subscription["id"]}
    subscription["items"]["data"].append(item)
    shown["invoice"]["lines"]["data"].append(shown["line_item"])
    report = script.sync()
    for name, table in LOADED.items():
        found = script.raw(table)
        if name == "subscription_item":
            assert shown[name]["id"] in {row["item"] for row in found.values()}
        else:
            assert shown[name]["id"] in found, name
    rejected = script.read("select * from raw_stripe.rejected")
    assert len(rejected) == len(REJECTED), rejected
    for name, reason in REJECTED.items():
        [row] = [row for row in rejected if shown[name]["id"] in str(row)]
        assert reason in row["reason"]
    assert not script.raw("events")
    assert any("charge" in it for it in report.warnings), report.warnings
