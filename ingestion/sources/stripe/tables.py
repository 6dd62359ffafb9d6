"""The tables of the raw dataset: objects as Stripe calls what they hold, amounts in whole units.

Stripe counts money in minor units of the currency (cents; whole yen). Raw has it in the currency
itself, converted where it comes in: sums in minor units of several currencies cannot arise.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import META_COLUMNS, Column, Entity
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS
from ingestion.contract.types import ColumnType


def _text(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name, "text", description, required=required)


def _of(type_: ColumnType, name: str, description: str, *, required: bool = False) -> Column:
    return Column(name, type_, description, required=required)


def _moment(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name, "timestamp", f"{description} (UTC).", required=required)


def _money(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name, "money", f"{description}, in units of the currency.", required=required)


def _flag(name: str, description: str) -> Column:
    return Column(name, "boolean", description)


CREATED = _moment("created", "When it was created", required=True)
CURRENCY = _text("currency", "ISO 4217 code of its amounts, in capitals.", required=True)
METADATA = _text("metadata", "What the company keeps with it, as a JSON object.")
CUSTOMER = _text("customer", "Id of the customer.")

OBJECTS: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "customers": (
            _text("name", "The customer's name (personal data)."),
            _text("email", "Email address for bills (personal data)."),
            _text("currency", "ISO 4217 code that the customer is billed in, in capitals."),
            _moment("created", "When it was created; empty of one deleted before it was read"),
            _text("account_id", "What the metadata's key holds that company.yml maps to it."),
            _text("domain", "What the metadata's key holds that company.yml maps to it."),
            METADATA,
        ),
        "products": (
            _text("name", "The product's name."),
            _flag("active", "Whether it can be bought."),
        ),
        "prices": (
            _text("product", "Id of the product."),
            CURRENCY,
            _flag("active", "Whether it can be bought at it."),
            _text("type", "recurring or one_time."),
            _text("billing_scheme", "per_unit, or tiered."),
            _text("tiers_mode", "graduated: each tier for its units; volume: one tier for all."),
            _of("number", "unit_amount", "Price of a unit, in units of the currency."),
            _text("interval", "day, week, month or year, where it recurs."),
            _of("integer", "interval_count", "Intervals from one bill to the next."),
            _text("usage_type", "licensed, or metered: then what is used decides."),
            _of("integer", "divide_by", "The quantity is divided by it before it is priced."),
            _text("round", "up or down: what becomes of a divided quantity's fraction."),
            _text("tax_behavior", "inclusive, exclusive or unspecified."),
            _text("nickname", "The price's name."),
            CREATED,
        ),
        "price_tiers": (
            _text("price", "Id of the price.", required=True),
            _of("integer", "position", "Position among the price's tiers.", required=True),
            _of("number", "up_to", "Last unit of the tier; empty where it takes the rest."),
            _of("number", "unit_amount", "Price of a unit, in units of the currency."),
            _of("number", "flat_amount", "What the tier costs besides, in units of the currency."),
        ),
        "coupons": (
            _of("number", "percent_off", "Percent taken off."),
            _money("amount_off", "Amount taken off each bill"),
            _text("currency", "ISO 4217 code of amount_off, in capitals."),
            _text("duration", "forever, once or repeating.", required=True),
            _of("integer", "duration_in_months", "Months that a repeating one lasts."),
            _text("products", "Ids of the only products that it is for, as a JSON list."),
        ),
        "discounts": (
            _text("coupon", "Id of the coupon.", required=True),
            CUSTOMER,
            _text("subscription", "Id of the subscription, where it is one's."),
            _text("subscription_item", "Id of the item, where it is for one alone."),
            _moment("begins_at", "From when on it is taken off", required=True),
            _moment("ends_at", "When it ends or was removed; empty where it goes on"),
        ),
        "customer_discounts": (
            _text("coupon", "Id of the coupon.", required=True),
            _text("customer", "Id of the customer.", required=True),
            _moment("begins_at", "From when on it is taken off", required=True),
            _moment("ends_at", "When it ends or was removed; empty where it goes on"),
        ),
        "subscriptions": (
            _text("customer", "Id of the customer.", required=True),
            _text("status", "What it is now, in Stripe's words.", required=True),
            _text("currency", "ISO 4217 code, in capitals.", required=True),
            _moment("start_date", "When it began", required=True),
            CREATED,
            _moment("ended_at", "When it ended"),
            _moment("canceled_at", "When its cancellation was asked for, not when it ends"),
            _moment("cancel_at", "When it will end, as far as is said"),
            _flag("cancel_at_period_end", "Whether it ends with the period that is paid."),
            _moment("trial_start", "When its trial began"),
            _moment("trial_end", "When its trial ends"),
            _text("pause_behavior", "What becomes of bills while collection is paused."),
            _moment("pause_resumes_at", "When collection goes on by itself"),
            _flag("includes_tax", "Whether tax is in a price that it has now."),
            METADATA,
        ),
        "subscription_states": (
            _text("subscription", "Id of the subscription.", required=True),
            _moment("began_at", "From when on it was so", required=True),
            _moment("known_from", "From when on that is known; a guess before", required=True),
            _text("status", "Its status, in Stripe's words.", required=True),
            _text("pause_behavior", "What became of bills while collection was paused."),
        ),
        "subscription_state_items": (
            _text("state", "Id of the state.", required=True),
            _text("subscription", "Id of the subscription.", required=True),
            _text("item", "Id of the subscription's item.", required=True),
            _text("price", "Id of the price."),
            _of("number", "quantity", "How many."),
        ),
        "invoices": (
            CUSTOMER,
            _text("subscription", "Id of the subscription that it bills, if one does."),
            _text("status", "draft, open, paid, uncollectible or void.", required=True),
            CURRENCY,
            CREATED,
            _moment("finalized_at", "When it ceased to be a draft"),
            _moment("paid_at", "When it was paid"),
            _moment("voided_at", "When it was voided"),
            _moment("marked_uncollectible_at", "When it was given up"),
            _moment("due_date", "When it is due; empty where a payment method is charged"),
            _moment("effective_at", "Date that it bears, where the company sets one"),
            _money("total", "Total, tax included", required=True),
            _money("subtotal", "Sum of the lines before discounts and tax"),
            _money("tax", "Sum of its taxes"),
            _money("amount_due", "What is to be paid"),
            _money("amount_paid", "What was paid"),
            _money("amount_paid_off_stripe", "What of it was paid elsewhere"),
            _money("amount_overpaid", "What was paid beyond, and went to the customer's balance"),
            _money("amount_remaining", "What is still to be paid"),
            _money("starting_balance", "The customer's balance that it began with"),
            _money("post_payment_credit_notes_amount", "Credit notes given after it was paid"),
            _text("latest_revision", "Id of the invoice that took its place."),
            _text("opportunity_id", "What the metadata's key holds that company.yml maps to it."),
            _text("customer_name", "The customer's name, as it was billed (personal data)."),
            _text("customer_email", "The customer's address, as it was billed (personal data)."),
            METADATA,
        ),
        "invoice_lines": (
            _text("invoice", "Id of the invoice.", required=True),
            _text("subscription", "Id of the subscription that it bills."),
            _text("subscription_item", "Id of the subscription's item that it bills."),
            _text("price", "Id of the price."),
            _text("product", "Id of the product."),
            _of("number", "quantity", "How many."),
            _money("amount", "Amount before discounts", required=True),
            _money("discount", "What discounts take off"),
            CURRENCY,
            _of("number", "unit_amount", "Price of a unit, in units of the currency."),
            _moment("period_start", "Start of what is billed"),
            _moment("period_end", "End of what is billed"),
            _flag("is_proration", "Whether it settles a change amid a period."),
            _flag("is_credit", "Whether it gives back what was billed."),
            _text("parent_type", "subscription_item_details or invoice_item_details."),
            _text("description", "What the bill says."),
        ),
        "invoice_items": (
            _text("customer", "Id of the customer.", required=True),
            _text("subscription", "Id of the subscription."),
            _text("subscription_item", "Id of the subscription's item."),
            _text("price", "Id of the price."),
            _of("number", "quantity", "How many."),
            _money("amount", "Amount that will be billed", required=True),
            CURRENCY,
            _moment("period_start", "Start of what is billed"),
            _moment("period_end", "End of what is billed"),
            _flag("is_proration", "Whether it settles a change amid a period."),
            _flag("is_credit", "Whether it gives back what was billed."),
            _text("invoice", "Id of the draft that has it already."),
        ),
        "invoice_payments": (
            _text("invoice", "Id of the invoice.", required=True),
            _money("amount_paid", "What was paid; empty before"),
            CURRENCY,
            _text("status", "open, paid or canceled.", required=True),
            _moment("paid_at", "When it was paid"),
            CREATED,
            _text("payment_type", "charge, payment_intent or payment_record."),
            _text("charge", "Id of the charge."),
            _text("payment_intent", "Id of the payment intent."),
        ),
        "charges": (
            CUSTOMER,
            _money("amount", "What was charged, or authorised", required=True),
            _money("amount_captured", "What of it was taken"),
            _money("amount_refunded", "What of it was given back"),
            CURRENCY,
            _text("status", "succeeded, pending or failed.", required=True),
            _flag("paid", "Whether it succeeded, or will be captured."),
            _flag("captured", "Whether it was taken; else it is authorised alone."),
            CREATED,
            _text("payment_intent", "Id of the payment intent."),
        ),
        "refunds": (
            _text("charge", "Id of the charge that it gives back."),
            _text("payment_intent", "Id of the payment intent that it gives back."),
            _money("amount", "What is given back", required=True),
            CURRENCY,
            _text("status", "pending, requires_action, succeeded, failed or canceled."),
            _text("balance_transaction", "Id of what it took out of the balance, if it did."),
            CREATED,
        ),
        "disputes": (
            _text("charge", "Id of the charge that the customer disputes."),
            _text("payment_intent", "Id of the payment intent of that charge."),
            _money("amount", "What is disputed", required=True),
            CURRENCY,
            _text("status", "needs_response, under_review, won, lost or another.", required=True),
            CREATED,
            _moment("withdrawn_at", "When it was taken out of the balance"),
            _text("balance_transaction", "Id of what it took out of the balance, if it did."),
        ),
        "credit_notes": (
            CUSTOMER,
            _text("invoice", "Id of the invoice that it credits.", required=True),
            _money("amount", "What is credited, tax included", required=True),
            _money("post_payment_amount", "What of it was paid already"),
            _money("out_of_band_amount", "What of that is paid back outside Stripe"),
            _text("customer_balance_transaction", "Id of what it gave to the customer's balance."),
            CURRENCY,
            _text("status", "issued or void.", required=True),
            _text("type", "pre_payment, post_payment or mixed."),
            CREATED,
            _moment("effective_at", "Date that it bears, where the company sets one"),
            _moment("voided_at", "When it was voided"),
        ),
        "credit_note_refunds": (
            _text("credit_note", "Id of the credit note.", required=True),
            _text("refund", "Id of a refund that belongs to it.", required=True),
            _money("amount", "What of the refund belongs to it"),
        ),
        "balance_transactions": (
            _money("amount", "What came into the balance", required=True),
            _money("fee", "What Stripe took"),
            _money("net", "What remains"),
            CURRENCY,
            _of("number", "exchange_rate", "Rate from the payment's currency, where it differs."),
            _text("type", "What it is, in Stripe's words."),
            _text("reporting_category", "What reports count it as, in Stripe's words."),
            _text("source", "Id of what caused it."),
            CREATED,
            _moment("available_on", "When it can be paid out"),
        ),
        "events": (
            _text("type", "What happened, in Stripe's words.", required=True),
            _moment("created", "When it happened", required=True),
            _text("object", "What it happened to, in Stripe's words."),
            _text("object_id", "Id of what it happened to."),
            _text("api_version", "Version of the API that the account renders events in."),
            _text("previous_attributes", "Of subscriptions: what was otherwise before, as JSON."),
        ),
    }
)
"""The columns of each table of records, those left out that all records begin with."""
EXPORTS = (
    *EXPORT_COLUMNS,
    _moment("synced_to", "Changes up to this moment are loaded"),
    _text("api_version", "Version of the API that was read."),
)
TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        **{name: (*RECORD_COLUMNS, *META_COLUMNS, *columns) for name, columns in OBJECTS.items()},
        "rejected": REJECTED_COLUMNS,
        "exports": EXPORTS,
    }
)
"""Columns of every table of `raw_stripe`. Rows are versions, and only ever appended."""


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """The tables, whatever columns a company adds: Stripe's objects have no others."""
    return TABLES


DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "customers": "Customers. Those that only bills still name are there, as deleted.",
        "products": "Products.",
        "prices": "Prices of products.",
        "price_tiers": "Tiers of tiered prices.",
        "coupons": "Coupons.",
        "discounts": "Coupons in use, of subscriptions and their items; one removed has its end.",
        "customer_discounts": "Coupons in use of customers; one removed has its end.",
        "subscriptions": "Subscriptions as they are now.",
        "subscription_states": "What subscriptions were, from which moment on, told by events.",
        "subscription_state_items": "What each state of a subscription was made of.",
        "invoices": "Invoices, drafts included.",
        "invoice_lines": "Lines of invoices.",
        "invoice_items": "What the next invoice will have; deleted once billed.",
        "invoice_payments": "Payments of invoices.",
        "charges": "Charges of payment methods.",
        "refunds": "Refunds.",
        "disputes": "Disputes of charges.",
        "credit_notes": "Credit notes.",
        "credit_note_refunds": "Refunds that credit notes list.",
        "balance_transactions": "What came into the account's balance and left it, with fees.",
        "events": "What happened to all these, for the last 30 days before each load.",
        "rejected": "Rows that break the contract, kept whole, with the reason.",
        "exports": "One row per table and load: what was read, up to which moment.",
    }
)
