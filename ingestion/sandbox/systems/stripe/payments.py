"""Payments of invoices, charges, refunds, credit notes, and what all of it does to the balance."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.systems.stripe import answers
from ingestion.sandbox.systems.stripe.books import SECOND, Books, second, seconds
from ingestion.sandbox.systems.stripe.catalogue import of_reference, one_of
from ingestion.sandbox.systems.stripe.collections import Document, Ids, Kind, Mask
from ingestion.sandbox.systems.stripe.customers import IDS as CUSTOMERS
from ingestion.sandbox.systems.stripe.invoices import note_type
from ingestion.sandbox.systems.stripe.money import CODES, minor
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.systems.stripe.subscriptions import INVOICE_IDS
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import CURRENCIES, NONE, NULL

PAYMENT_IDS = Ids("inpay_", FIRST_ID["payments"])
CHARGE_IDS = Ids("ch_", FIRST_ID["payments"])
INTENT_IDS = Ids("pi_", FIRST_ID["payments"])
REFUND_IDS = Ids("re_", FIRST_ID["credit_notes"])
NOTE_IDS = Ids("cn_", FIRST_ID["credit_notes"])
NOTE_LINE_IDS = Ids("cnli_", FIRST_ID["credit_notes"])
TRANSACTION_IDS = Ids("txn_", 4 * FIRST_ID["payments"])
OF_CHARGE, OF_REFUND, OF_FAILURE = range(3)
"""What a balance transaction is for; its key is 4 times the row, and this."""
TYPES = ("charge", "refund", "refund_failure")
SETTLED = {"USD": "USD", "EUR": "EUR", "GBP": "GBP", "JPY": "USD", "KWD": "USD"}
"""The currency of the balance that each currency is paid into."""
FEE_MILLIONTHS = 29_000
DAYS_UNTIL_AVAILABLE = 2


def invoice_payments(books: Books) -> Kind:
    """Payments of invoices."""
    store = books["payments"]
    of_intent = of_reference(np.arange(len(store)), INTENT_IDS)

    def of_type(question: Question, name: str) -> Mask:
        return np.full(len(store), question.single[name] == "payment_intent")

    def of_status(question: Question, name: str) -> Mask:
        return np.full(len(store), question.single[name] == "paid")

    return Kind(
        "invoice_payments", "invoice_payment", PAYMENT_IDS, seconds(store["occurred_at"]),
        lambda key, at: invoice_payment(books, key),
        {"invoice": of_reference(store["invoice_id"], INVOICE_IDS), "status": of_status,
         "payment[payment_intent]": of_intent, "payment[type]": of_type},
        present=store["invoice_id"] != NONE,
    )  # fmt: skip


def invoice_payment(books: Books, row: int) -> Document:
    """A payment of an invoice, or of a part of it."""
    store, currency = books["payments"], int(books["payments"]["currency"][row])
    amount, at = minor(int(store["amount"][row]), currency), int(store["occurred_at"][row])
    return {
        "id": PAYMENT_IDS.of(row), "object": "invoice_payment", "amount_paid": amount,
        "amount_requested": amount, "created": at // SECOND, "currency": CODES[currency],
        "invoice": INVOICE_IDS.of(int(store["invoice_id"][row])), "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": INTENT_IDS.of(row), "type": "payment_intent"},
        "status": "paid", "status_transitions": {"canceled_at": None, "paid_at": at // SECOND},
    }  # fmt: skip


def charges(books: Books) -> Kind:
    """Charges: one behind each payment."""
    store = books["payments"]
    return Kind(
        "charges", "charge", CHARGE_IDS, seconds(store["occurred_at"]),
        lambda key, at: charge(books, key, at),
        {"customer": of_reference(store["customer_id"], CUSTOMERS),
         "payment_intent": of_reference(np.arange(len(store)), INTENT_IDS)},
    )  # fmt: skip


def charge(books: Books, row: int, at: int) -> Document:
    """A charge."""
    store, currency = books["payments"], int(books["payments"]["currency"][row])
    amount, customer = minor(int(store["amount"][row]), currency), int(store["customer_id"][row])
    refunded = minor(_refunded(books, row, at), currency)
    name, email = (None, None) if customer == NONE else books.customer_texts[customer][:2]
    nowhere = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None,
               "state": None}  # fmt: skip
    return {
        "id": CHARGE_IDS.of(row), "object": "charge", "amount": amount, "amount_captured": amount,
        "amount_refunded": refunded, "application": None, "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": TRANSACTION_IDS.of(4 * row + OF_CHARGE),
        "billing_details": {
            "address": nowhere, "email": email, "name": name, "phone": None, "tax_id": None,
        },
        "calculated_statement_descriptor": "SALESOPS", "captured": True,
        "created": int(store["occurred_at"][row]) // SECOND, "currency": CODES[currency],
        "customer": None if customer == NONE else CUSTOMERS.of(customer), "description": None,
        "disputed": False, "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "fraud_details": {}, "livemode": False, "metadata": {},
        "on_behalf_of": None, "outcome": None, "paid": True,
        "payment_intent": INTENT_IDS.of(row), "payment_method": None,
        "payment_method_details": None, "receipt_email": None, "receipt_number": None,
        "receipt_url": None, "refunded": 0 < amount == refunded, "review": None,
        "shipping": None, "source": None, "source_transfer": None,
        "statement_descriptor": None, "statement_descriptor_suffix": None,
        "status": "succeeded", "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


def _refunded(books: Books, row: int, at: int) -> int:
    """What has been given back of a payment by a moment, in hundredths."""
    notes, total = books["credit_notes"], 0
    for refund_row in books.refunds.of(row):
        if notes["occurred_at"][refund_row] <= at and not _has_failed(books, refund_row, at):
            total += int(notes["amount"][refund_row])
    return total


def _has_failed(books: Books, row: int, at: int) -> bool:
    gone_at = int(books.note_voided_at[row])
    return gone_at != NULL and gone_at <= at


def refunds(books: Books) -> Kind:
    """Refunds."""
    store = books["credit_notes"]
    return Kind(
        "refunds", "refund", REFUND_IDS, seconds(store["occurred_at"]),
        lambda key, at: refund(books, key, at),
        {"charge": of_reference(books.refunded_payment, CHARGE_IDS),
         "payment_intent": of_reference(books.refunded_payment, INTENT_IDS)},
        present=books.refunded_payment != NONE,
    )  # fmt: skip


def refund(books: Books, row: int, at: int) -> Document:
    """A refund: it may fail days after it succeeded."""
    store, currency = books["credit_notes"], int(books["credit_notes"]["currency"][row])
    payment, has_failed = int(books.refunded_payment[row]), _has_failed(books, row, at)
    failure = {
        "failure_balance_transaction": TRANSACTION_IDS.of(4 * row + OF_FAILURE),
        "failure_reason": "expired_or_canceled_card",
    }  # fmt: skip
    return {
        "id": REFUND_IDS.of(row), "object": "refund",
        "amount": minor(int(store["amount"][row]), currency),
        "balance_transaction": TRANSACTION_IDS.of(4 * row + OF_REFUND),
        "charge": CHARGE_IDS.of(payment), "created": int(store["occurred_at"][row]) // SECOND,
        "currency": CODES[currency], "customer": CUSTOMERS.of(int(store["customer_id"][row])),
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"}, "metadata": {},
        "payment_intent": INTENT_IDS.of(payment), "payment_method": None,
        "reason": "requested_by_customer", "receipt_number": None,
        "source_transfer_reversal": None, "status": "failed" if has_failed else "succeeded",
        "transfer_reversal": None, **(failure if has_failed else {}),
    }  # fmt: skip


def disputes(books: Books) -> Kind:
    """Disputes: nobody has disputed a charge."""

    def of_charge(question: Question, name: str) -> Mask:
        return np.zeros(0, bool)

    return Kind(
        "disputes", "dispute", Ids("du_"), np.zeros(0, np.int64), lambda key, at: {},
        {"charge": of_charge, "payment_intent": of_charge},
    )  # fmt: skip


def credit_notes(books: Books) -> Kind:
    """Credit notes."""
    store = books["credit_notes"]
    return Kind(
        "credit_notes", "credit note", NOTE_IDS, seconds(store["occurred_at"]),
        lambda key, at: credit_note(books, key, at),
        {"invoice": of_reference(store["invoice_id"], INVOICE_IDS),
         "customer": of_reference(store["customer_id"], CUSTOMERS)},
        present=np.asarray(books.is_note),
    )  # fmt: skip


def credit_note(books: Books, row: int, at: int) -> Document:
    """A credit note, with the refund that comes with it."""
    store, currency = books["credit_notes"], int(books["credit_notes"]["currency"][row])
    amount, kind = minor(int(store["amount"][row]), currency), note_type(books, row)
    created, is_after = int(store["occurred_at"][row]) // SECOND, kind == "post_payment"
    with_refund = int(books.refunded_payment[row]) != NONE
    is_void = _has_failed(books, row, at)
    number = NOTE_IDS.of(row)
    return {
        "id": number, "object": "credit_note", "amount": amount, "amount_shipping": 0,
        "created": created, "currency": CODES[currency],
        "customer": CUSTOMERS.of(int(store["customer_id"][row])), "customer_account": None,
        "customer_balance_transaction": None, "discount_amount": 0, "discount_amounts": [],
        "effective_at": created, "invoice": INVOICE_IDS.of(int(store["invoice_id"][row])),
        "lines": answers.listed(f"/v1/credit_notes/{number}/lines", [note_line(books, row)], False),
        "livemode": False, "memo": None, "metadata": {}, "number": f"S-CN-{row:08d}",
        "out_of_band_amount": amount if is_after and not with_refund else None,
        "pdf": f"https://pay.stripe.com/credit_notes/{number}/pdf",
        "post_payment_amount": amount if is_after else 0,
        "pre_payment_amount": 0 if is_after else amount, "pretax_credit_amounts": [],
        "reason": None, "refunds": [_note_refund(row, amount)] if with_refund else [],
        "shipping_cost": None, "status": "void" if is_void else "issued", "subtotal": amount,
        "subtotal_excluding_tax": amount, "total": amount, "total_excluding_tax": amount,
        "total_taxes": [], "type": kind,
        "voided_at": second(int(books.note_voided_at[row])) if is_void else None,
    }  # fmt: skip


def _note_refund(row: int, amount: int) -> Document:
    return {
        "amount_refunded": amount, "payment_record_refund": None, "refund": REFUND_IDS.of(row),
        "type": "refund",
    }  # fmt: skip


def note_line(books: Books, row: int) -> Document:
    """The line of a credit note."""
    store, currency = books["credit_notes"], int(books["credit_notes"]["currency"][row])
    amount = minor(int(store["amount"][row]), currency)
    return {
        "id": NOTE_LINE_IDS.of(row), "object": "credit_note_line_item", "amount": amount,
        "description": "Credit", "discount_amount": 0, "discount_amounts": [], "livemode": False,
        "metadata": None, "pretax_credit_amounts": [], "quantity": 1, "tax_rates": [],
        "taxes": [], "type": "custom_line_item", "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }  # fmt: skip


def note_lines(books: Books, row: int) -> Kind:
    """The lines of a credit note."""
    present = np.arange(len(books["credit_notes"])) == row
    return Kind(
        "lines", "credit note line item", NOTE_LINE_IDS, np.zeros(len(present), np.int64),
        lambda key, at: note_line(books, key), present=present, is_dated=False,
    )  # fmt: skip


def refunds_of(books: Books, row: int) -> Kind:
    """The refunds of a charge."""
    store = books["credit_notes"]
    return Kind(
        "refunds", "refund", REFUND_IDS, seconds(store["occurred_at"]),
        lambda key, at: refund(books, key, at),
        present=books.refunded_payment == row, is_dated=False,
    )  # fmt: skip


def balance_transactions(books: Books) -> Kind:
    """What charges, refunds and refunds that failed did to the balance."""
    payments, notes = books["payments"], books["credit_notes"]
    size = 4 * max(len(payments), len(notes))
    created, present = np.zeros(size, np.int64), np.zeros(size, bool)
    currency = np.full(size, NONE, np.int64)
    kinds = np.arange(size) % 4
    of_charges = 4 * np.arange(len(payments)) + OF_CHARGE
    created[of_charges], present[of_charges] = payments["occurred_at"], True
    currency[of_charges] = payments["currency"]
    there = books.refunded_payment != NONE
    for kind, moments, known in (
        (OF_REFUND, notes["occurred_at"], there),
        (OF_FAILURE, books.note_voided_at, there & (books.note_voided_at != NULL)),
    ):
        keys = 4 * np.arange(len(notes)) + kind
        created[keys], present[keys], currency[keys] = moments, known, notes["currency"]
    settled = np.array([CURRENCIES.index(SETTLED[code]) for code in CURRENCIES])[currency]

    def of_type(question: Question, name: str) -> Mask:
        return one_of(kinds, TYPES, question.single[name])

    def of_currency(question: Question, name: str) -> Mask:
        return one_of(settled, CODES, question.single[name])

    def of_source(question: Question, name: str) -> Mask:
        charged, given = (ids.key(question.single[name]) for ids in (CHARGE_IDS, REFUND_IDS))
        of_charge = (kinds == OF_CHARGE) & (np.arange(size) // 4 == charged)
        return np.asarray(of_charge | ((kinds != OF_CHARGE) & (np.arange(size) // 4 == given)))

    return Kind(
        "balance_transactions", "balance transaction", TRANSACTION_IDS, seconds(created),
        lambda key, at: balance_transaction(books, key, at),
        {"type": of_type, "currency": of_currency, "source": of_source}, present=present,
    )  # fmt: skip


def balance_transaction(books: Books, key: int, at: int) -> Document:
    """What a charge, a refund or its failure did to the balance, in the currency it settles in."""
    row, kind = divmod(key, 4)
    store = books["payments" if kind == OF_CHARGE else "credit_notes"]
    moments = books.note_voided_at if kind == OF_FAILURE else store["occurred_at"]
    moment = int(moments[row])
    currency = int(store["currency"][row])
    settled = CURRENCIES.index(SETTLED[CURRENCIES[currency]])
    rate = _rate(books, currency, settled, moment)
    hundredths = int(store["amount"][row])
    converted = hundredths if rate is None else round(hundredths * rate)
    amount = minor(-converted if kind == OF_REFUND else converted, settled)
    fee = minor(converted * FEE_MILLIONTHS // 1_000_000, settled) if kind == OF_CHARGE else 0
    available = moment // SECOND + DAYS_UNTIL_AVAILABLE * DAY // SECOND
    source = CHARGE_IDS.of(row) if kind == OF_CHARGE else REFUND_IDS.of(row)
    details = {
        "amount": fee, "application": None, "currency": CODES[settled],
        "description": "Stripe processing fees", "type": "stripe_fee",
    }  # fmt: skip
    return {
        "id": TRANSACTION_IDS.of(key), "object": "balance_transaction", "amount": amount,
        "available_on": available, "balance_type": "payments", "created": moment // SECOND,
        "currency": CODES[settled], "description": None,
        "exchange_rate": rate, "fee": fee, "fee_details": [details] if fee else [],
        "net": amount - fee, "reporting_category": TYPES[kind], "source": source,
        "status": "available" if available * SECOND <= at else "pending", "type": TYPES[kind],
    }  # fmt: skip


def _rate(books: Books, currency: int, settled: int, moment: int) -> float | None:
    """What a unit of one currency is worth in another on a day; none for its own."""
    if currency == settled:
        return None
    rates = books["fx_rates"]
    of_pair = books.rates_of(currency, settled)
    known = int(np.searchsorted(rates["day"][of_pair], moment // DAY, side="right"))
    return float(rates["rate"][of_pair[max(0, known - 1)]]) / 1_000_000


def refund_changes(books: Books) -> tuple[Ints, Ints, Ints, Ints]:
    """Payments and when something was given back of them, or not after all; refunds that failed."""
    notes, paid = books["credit_notes"], books.refunded_payment
    there = np.flatnonzero(paid != NONE)
    failed = there[books.note_voided_at[there] != NULL]
    return (
        np.concatenate([paid[there], paid[failed]]),
        np.concatenate([notes["occurred_at"][there], books.note_voided_at[failed]]),
        failed, books.note_voided_at[failed],
    )  # fmt: skip
