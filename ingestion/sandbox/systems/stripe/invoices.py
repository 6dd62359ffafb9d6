"""Invoices."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.systems.stripe import answers
from ingestion.sandbox.systems.stripe.books import SECOND, Books, second, seconds
from ingestion.sandbox.systems.stripe.catalogue import (
    SUBSCRIPTION_IDS,
    of_reference,
)
from ingestion.sandbox.systems.stripe.collections import Document, Kind, Mask
from ingestion.sandbox.systems.stripe.customers import IDS as CUSTOMERS
from ingestion.sandbox.systems.stripe.errors import StripeError
from ingestion.sandbox.systems.stripe.lines import discounts_of, line
from ingestion.sandbox.systems.stripe.money import CODES, minor
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.systems.stripe.subscriptions import INVOICE_IDS
from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import NONE, NULL

STATUSES = ("draft", "open", "paid", "uncollectible", "void")
EMBEDDED = 10
"""Lists inside objects show so many."""
DEAL = "crm_deal"
"""Key of metadata: the CRM's id of the deal that an invoice comes from."""


def invoices(books: Books) -> Kind:
    """All invoices, drafts too."""
    store = books["invoices"]
    subscription = store["subscription_id"].astype(np.int64)
    chain = np.where(subscription == NONE, NONE, books.chain[subscription])

    def of_status(question: Question, name: str) -> Mask:
        wanted = question.single[name]
        if wanted not in STATUSES:
            raise StripeError(f"Invalid status: must be one of {', '.join(STATUSES)}", None, name)
        is_void, is_draft = books.invoice_voided_at != NULL, store["issued_at"] > books.now
        is_paid = (store["paid_at"] != NULL) & ~is_void
        found = {"draft": is_draft, "void": is_void, "paid": is_paid,
                 "open": ~is_draft & ~is_void & ~is_paid}  # fmt: skip
        return np.asarray(found.get(wanted, np.zeros(len(store), bool)))

    due = np.where(store["issued_at"] > books.now, np.int64(0), seconds(store["due_at"]))
    return Kind(
        "invoices", "invoice", INVOICE_IDS, seconds(store["drafted_at"]),
        lambda key, at: invoice(books, key, at),
        {"status": of_status, "customer": of_reference(store["customer_id"], CUSTOMERS),
         "subscription": of_reference(chain, SUBSCRIPTION_IDS)},
        {"due_date": due},
    )  # fmt: skip


def _status(books: Books, row: int, at: int) -> str:
    """The status of an invoice at a moment."""
    store, voided_at = books["invoices"], int(books.invoice_voided_at[row])
    paid_at = int(store["paid_at"][row])
    if voided_at != NULL and voided_at <= at:
        return "void"
    if paid_at != NULL and paid_at <= at:
        return "paid"
    return "open" if store["issued_at"][row] <= at else "draft"


def invoice(books: Books, row: int, at: int) -> Document:
    """An invoice with the first of its lines."""
    store, status = books["invoices"], _status(books, row, at)
    currency, number = int(store["currency"][row]), INVOICE_IDS.of(row)
    total, tax = minor(int(store["total"][row]), currency), minor(int(store["tax"][row]), currency)
    taken_off = minor(int(store["discount"][row]), currency)
    given = minor(_paid(books, row, at), currency)
    paid = min(given, total)
    before_tax = total - tax
    credited = _credited(books, row, at)
    created, issued = second(int(store["drafted_at"][row])), second(int(store["issued_at"][row]))
    is_draft = status == "draft"
    customer = int(store["customer_id"][row])
    name, email, *_ = books.customer_texts[customer]
    lines = books.lines.of(row)
    url = f"/v1/invoices/{number}/lines"
    deal = int(store["opportunity_id"][row])
    discounts = discounts_of(books, row, taken_off)
    return {
        "id": number, "object": "invoice", "account_country": "US", "account_name": "Salesops",
        "account_tax_ids": None, "amount_due": total, "amount_overpaid": given - paid,
        "amount_paid": paid, "amount_paid_off_stripe": 0,
        "amount_remaining": max(0, total - paid - credited["pre_payment"]), "amount_shipping": 0,
        "application": None, "attempt_count": 0, "attempted": False,
        "auto_advance": status in ("draft", "open"),
        "automatic_tax": {
            "disabled_reason": None, "enabled": False, "liability": None, "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": issued if is_draft else None,
        "billing_reason": "subscription_cycle", "collection_method": "send_invoice",
        "created": created, "currency": CODES[currency], "custom_fields": None,
        "customer": CUSTOMERS.of(customer), "customer_account": None, "customer_address": None,
        "customer_email": email, "customer_name": name, "customer_phone": None,
        "customer_shipping": None, "customer_tax_exempt": "none", "customer_tax_ids": [],
        "default_payment_method": None, "default_source": None, "default_tax_rates": [],
        "description": None, "discounts": [found["discount"] for found in discounts],
        "due_date": None if is_draft else second(int(store["due_at"][row])),
        "effective_at": None if is_draft else issued, "ending_balance": None if is_draft else 0,
        "footer": None, "from_invoice": None, "hosted_invoice_url": None, "invoice_pdf": None,
        "issuer": {"type": "self"}, "last_finalization_error": None, "latest_revision": None,
        "lines": answers.listed(
            url, [line(books, int(found)) for found in lines[:EMBEDDED]], len(lines) > EMBEDDED
        ),
        "livemode": False,
        "metadata": {} if deal == NONE else {DEAL: str(books.number("opportunities", deal))},
        "next_payment_attempt": None, "number": None if is_draft else f"S-{row:08d}",
        "on_behalf_of": None, "parent": _parent(books, row),
        "payment_settings": {
            "default_mandate": None, "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": created, "period_start": created,
        "post_payment_credit_notes_amount": credited["post_payment"],
        "pre_payment_credit_notes_amount": credited["pre_payment"], "receipt_number": None,
        "rendering": None, "shipping_cost": None, "shipping_details": None, "starting_balance": 0,
        "statement_descriptor": None, "status": status,
        "status_transitions": {
            "finalized_at": None if is_draft else issued, "marked_uncollectible_at": None,
            "paid_at": _by(int(store["paid_at"][row]), at),
            "voided_at": _by(int(books.invoice_voided_at[row]), at),
        },
        "subtotal": before_tax + taken_off, "subtotal_excluding_tax": before_tax + taken_off,
        "test_clock": None, "threshold_reason": None, "total": total,
        "total_discount_amounts": discounts, "total_excluding_tax": before_tax,
        "total_pretax_credit_amounts": [], "total_taxes": _taxes(tax, before_tax, currency),
        "webhooks_delivered_at": created,
    }  # fmt: skip


def _by(moment: int, at: int) -> int | None:
    return moment // SECOND if moment != NULL and moment <= at else None


def _paid(books: Books, row: int, at: int) -> int:
    """What has been paid of an invoice by a moment, in hundredths."""
    payments, found = books["payments"], books.payments.of(row)
    return int(payments["amount"][found][payments["occurred_at"][found] <= at].sum())


def _credited(books: Books, row: int, at: int) -> dict[str, int]:
    """What credit notes take off an invoice, before it was paid and after, in minor units."""
    notes, found = books["credit_notes"], {"pre_payment": 0, "post_payment": 0}
    for note in books.notes.of(row):
        voided_at = int(books.note_voided_at[note])
        if notes["occurred_at"][note] <= at and (voided_at == NULL or voided_at > at):
            amount = minor(int(notes["amount"][note]), int(notes["currency"][note]))
            found[note_type(books, int(note))] += amount
    return found


def note_type(books: Books, note: int) -> str:
    """Whether a credit note came before its invoice was paid, or after."""
    notes = books["credit_notes"]
    paid_at = int(books["invoices"]["paid_at"][notes["invoice_id"][note]])
    was_paid = paid_at != NULL and paid_at <= notes["occurred_at"][note]
    return "post_payment" if was_paid or books.refunded_payment[note] != NONE else "pre_payment"


def _taxes(tax: int, taxable: int, currency: int) -> list[Document]:
    if not tax:
        return []
    return [
        {
            "amount": tax, "tax_behavior": "exclusive",
            "tax_rate_details": {"tax_rate": f"txr_{CODES[currency]}"},
            "taxability_reason": "standard_rated", "taxable_amount": taxable,
            "type": "tax_rate_details",
        }
    ]  # fmt: skip


def _parent(books: Books, row: int) -> Document | None:
    subscription = int(books["invoices"]["subscription_id"][row])
    if subscription == NONE:
        return None
    return {
        "quote_details": None,
        "subscription_details": {
            "metadata": {}, "subscription": SUBSCRIPTION_IDS.of(int(books.chain[subscription])),
        },
        "type": "subscription_details",
    }  # fmt: skip


def changes(books: Books) -> tuple[Ints, Ints]:
    """Invoices, and the moments at which they changed after they were drafted."""
    store, notes, payments = books["invoices"], books["credit_notes"], books["payments"]
    rows = np.arange(len(store))
    later = store["issued_at"] > store["drafted_at"]
    voided = books.note_voided_at
    pairs = [
        (rows[later], store["issued_at"][later]),
        (payments["invoice_id"], payments["occurred_at"]),
        (rows, store["paid_at"]), (rows, books.invoice_voided_at),
        (notes["invoice_id"][books.is_note], notes["occurred_at"][books.is_note]),
        (notes["invoice_id"], np.where(books.is_note, voided, NULL)),
    ]  # fmt: skip
    keys = np.concatenate([np.asarray(keys, np.int64) for keys, _ in pairs])
    moments = np.concatenate([np.asarray(moments, np.int64) for _, moments in pairs])
    known = (keys != NONE) & (moments != NULL) & (moments <= books.now)
    return keys[known], moments[known]
