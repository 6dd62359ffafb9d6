"""Invoices, their lines, and invoice items."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from ingestion.sandbox.systems.stripe import answers
from ingestion.sandbox.systems.stripe.books import RECURRING, SECOND, Books, second, seconds
from ingestion.sandbox.systems.stripe.catalogue import (
    DISCOUNT_IDS,
    PRICE_IDS,
    PRODUCT_IDS,
    SUBSCRIPTION_IDS,
    of_reference,
    one_off_price_id,
    price_key,
)
from ingestion.sandbox.systems.stripe.collections import Document, Ids, Kind, Mask
from ingestion.sandbox.systems.stripe.customers import IDS as CUSTOMERS
from ingestion.sandbox.systems.stripe.errors import StripeError
from ingestion.sandbox.systems.stripe.money import CODES, minor
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.systems.stripe.subscriptions import INVOICE_IDS, ITEM_IDS, line_period
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import LINE_KINDS, NONE, NULL, PRODUCTS

LINE_IDS = Ids("il_", FIRST_ID["invoice_lines"])
INVOICE_ITEM_IDS = Ids("ii_", 2 * FIRST_ID["invoice_lines"])
STATUSES = ("draft", "open", "paid", "uncollectible", "void")
EMBEDDED = 10
"""Lists inside objects show so many."""
DEAL = "crm_deal"
"""Key of metadata: the CRM's id of the deal that an invoice comes from."""
PRORATION = LINE_KINDS.index("proration")
CREDIT, CHARGE = 0, 1
Key = TypeVar("Key", int, Ints)


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
    discounts = _discounts(books, row, taken_off)
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


def _discounts(books: Books, row: int, taken_off: int) -> list[Document]:
    """What discounts take off an invoice."""
    subscription = int(books["invoices"]["subscription_id"][row])
    if not taken_off or subscription == NONE or books.discount[subscription] == NONE:
        return []
    return [{"amount": taken_off, "discount": DISCOUNT_IDS.of(int(books.discount[subscription]))}]


def lines_of(books: Books, row: int) -> Kind:
    """The lines of an invoice, in their order there: the first is the first of the list."""
    found = books.lines.of(row)[::-1].astype(np.int64)
    created = np.zeros(len(books["invoice_lines"]), np.int64)
    present = np.zeros(len(created), bool)
    created[found], present[found] = np.arange(len(found)), True
    return Kind(
        "lines", "line item", LINE_IDS, created, lambda key, at: line(books, key),
        present=present, is_dated=False,
    )  # fmt: skip


def line(books: Books, row: int) -> Document:
    """A line of an invoice: of a subscription's item, or of an invoice item."""
    store = books["invoice_lines"]
    invoice_row, kind = int(store["invoice_id"][row]), int(store["kind"][row])
    currency = int(books["invoices"]["currency"][invoice_row])
    amount = minor(int(store["amount"][row]), currency)
    taken_off = 0
    if kind == RECURRING and books["invoices"]["discount"][invoice_row]:
        taken_off = minor(int(books["invoices"]["discount"][invoice_row]), currency)
    product = int(store["product"][row])
    quantity = int(store["quantity"][row])
    return {
        "id": LINE_IDS.of(row), "object": "line_item", "amount": amount,
        "currency": CODES[currency], "description": f"{PRODUCTS[product]} {LINE_KINDS[kind]}",
        "discount_amounts": _discounts(books, invoice_row, taken_off),
        "discountable": kind == RECURRING, "discounts": [],
        "invoice": INVOICE_IDS.of(invoice_row), "livemode": False, "metadata": {},
        **_origin(books, row, kind), "pretax_credit_amounts": [], "quantity": quantity,
        "quantity_decimal": str(quantity), "subtotal": amount, "taxes": [],
    }  # fmt: skip


def _origin(books: Books, row: int, kind: int) -> Document:
    """Where a line comes from: its parent, its period and its price."""
    store, subscription = (
        books["invoice_lines"],
        int(books["invoice_lines"]["subscription_id"][row]),
    )
    invoice_row, product = int(store["invoice_id"][row]), int(store["product"][row])
    if kind == RECURRING:
        starts, ends = line_period(books, row)
        return {
            "parent": _of_subscription(books, subscription, None, None),
            "period": _period(starts, ends),
            "pricing": pricing(books, subscription),
        }
    if kind == PRORATION:
        proration = int(store["proration_id"][row])
        is_credit = subscription == books["prorations"]["old_id"][proration]
        side = CREDIT if is_credit else CHARGE
        item_id = INVOICE_ITEM_IDS.of(proration_key(proration, side))
        return {
            "parent": _of_subscription(
                books, subscription, item_id, _credited_lines(books, proration, side)
            ),
            "period": _proration_period(books, proration),
            "pricing": pricing(books, _priced(books, proration, side)),
        }
    at = int(books["invoices"]["drafted_at"][invoice_row])
    currency = int(books["invoices"]["currency"][invoice_row])
    chain = None if subscription == NONE else SUBSCRIPTION_IDS.of(int(books.chain[subscription]))
    details = {
        "invoice_item": INVOICE_ITEM_IDS.of(line_key(row)), "proration": False,
        "proration_details": {"credited_items": None}, "subscription": chain,
    }  # fmt: skip
    amount = minor(int(store["amount"][row]), currency)
    return {
        "parent": {
            "invoice_item_details": details, "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "period": _period(at, at),
        "pricing": once(product, currency, amount // max(1, int(store["quantity"][row]))),
    }  # fmt: skip


def _period(starts: int, ends: int) -> Document:
    return {"end": ends // SECOND, "start": starts // SECOND}


def _of_subscription(
    books: Books, row: int, item_id: str | None, credited: Document | None
) -> Document:
    """The parent of a line that a subscription's item leads to, by itself or as a proration."""
    chain = int(books.chain[row])
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": item_id, "proration": item_id is not None,
            "proration_details": {"credited_items": credited},
            "subscription": SUBSCRIPTION_IDS.of(chain), "subscription_item": ITEM_IDS.of(chain),
        },
        "type": "subscription_item_details",
    }  # fmt: skip


def pricing(books: Books, row: int) -> Document:
    """The price of a row of subscriptions."""
    store = books["subscriptions"]
    amount = None
    if not store["is_tiered"][row]:
        amount = str(minor(int(store["unit_amount"][row]), int(store["currency"][row])))
    return {
        "price_details": {
            "price": PRICE_IDS.of(price_key(books, row)),
            "product": PRODUCT_IDS.of(int(store["plan"][row])),
        },
        "type": "price_details", "unit_amount_decimal": amount,
    }  # fmt: skip


def once(product: int, currency: int, amount: int) -> Document:
    """The price of what is billed once."""
    details = {"price": one_off_price_id(product, currency), "product": PRODUCT_IDS.of(product)}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": str(amount)}


def _priced(books: Books, proration: int, side: int) -> int:
    """The row whose price a side of a proration has: the old one is credited, the new charged."""
    column = "old_id" if side == CREDIT else "subscription_id"
    return int(books["prorations"][column][proration])


def _proration_period(books: Books, proration: int) -> Document:
    """From the change on, until what was billed in advance ends."""
    store = books["prorations"]
    return _period(int(store["occurred_at"][proration]), int(store["period_end"][proration]) * DAY)


def _credited_lines(books: Books, proration: int, side: int) -> Document | None:
    """The line that a credit gives back in part."""
    if side != CREDIT:
        return None
    chain = int(books.chain[books["prorations"]["subscription_id"][proration]])
    at = int(books["prorations"]["occurred_at"][proration])
    billed = books.last(books.recurring.of(chain), books.line_drafted_at, at)
    if billed == NONE:
        return None
    invoice_row = int(books["invoice_lines"]["invoice_id"][billed])
    return {"invoice": INVOICE_IDS.of(invoice_row), "invoice_line_items": [LINE_IDS.of(billed)]}


def proration_key(proration: Key, side: int) -> Key:
    """The key of the invoice item that is one side of a proration; the others lie between."""
    return 2 * (2 * proration + side)


def line_key(line_row: Key) -> Key:
    """The key of the invoice item that a line bills once."""
    return 2 * line_row + 1


def invoice_items(books: Books) -> Kind:
    """Invoice items: prorations, pending until they are billed, and what is billed once."""
    prorations, lines = books["prorations"], books["invoice_lines"]
    size = max(4 * len(prorations), 2 * len(lines))
    created, present = item_moments(books), np.zeros(size, bool)
    invoice_row = np.full(size, NONE, np.int64)
    customer = np.full(size, NONE, np.int64)
    for side in (CREDIT, CHARGE):
        keys = proration_key(np.arange(len(prorations)), side)
        present[keys] = True
        invoice_row[keys] = prorations["invoice_id"]
        customer[keys] = books["subscriptions"]["customer_id"][prorations["subscription_id"]]
    keys = line_key(np.arange(len(lines)))
    invoice_row[keys] = lines["invoice_id"]
    present[keys] = (lines["kind"] != RECURRING) & (lines["kind"] != PRORATION)
    customer[keys] = books["invoices"]["customer_id"][lines["invoice_id"]]

    def is_pending(question: Question, name: str) -> Mask:
        return np.asarray((invoice_row == NONE) == question.boolean(name))

    return Kind(
        "invoiceitems", "invoiceitem", INVOICE_ITEM_IDS, seconds(created),
        lambda key, at: invoice_item(books, key, at),
        {"pending": is_pending, "customer": of_reference(customer, CUSTOMERS),
         "invoice": of_reference(invoice_row, INVOICE_IDS)},
        present=present,
    )  # fmt: skip


def item_moments(books: Books) -> Ints:
    """When each invoice item came about, by key."""
    prorations, lines = books["prorations"], books["invoice_lines"]
    moments = np.full(max(4 * len(prorations), 2 * len(lines)), NULL, np.int64)
    moments[line_key(np.arange(len(lines)))] = books.line_drafted_at
    for side in (CREDIT, CHARGE):
        keys = proration_key(np.arange(len(prorations)), side)
        moments[keys] = prorations["occurred_at"]
    return moments


def invoice_item(books: Books, key: int, at: int) -> Document:
    """An invoice item."""
    if key % 2:
        return _item_of_line(books, key // 2)
    proration, side = divmod(key // 2, 2)
    store, row = books["prorations"], _priced(books, proration, side)
    currency = int(books["subscriptions"]["currency"][row])
    hundredths = int(store["credit" if side == CREDIT else "charge"][proration])
    amount = minor(-abs(hundredths) if side == CREDIT else hundredths, currency)
    billed_at, invoice_row = int(books.billed_at[proration]), int(store["invoice_id"][proration])
    is_billed = billed_at != NULL and billed_at <= at
    credited = _credited_lines(books, proration, side)
    details = None
    if credited is not None:
        details = {
            "invoice_item": None, "invoice_line_item_details": credited,
            "type": "invoice_line_items",
        }  # fmt: skip
    return _item(
        key, amount, currency, int(books["subscriptions"]["customer_id"][row]),
        int(store["occurred_at"][proration]), int(books.chain[row]),
        INVOICE_IDS.of(invoice_row) if is_billed else None,
        _proration_period(books, proration), pricing(books, row),
    ) | {
        "description": "Unused time" if side == CREDIT else "Remaining time",
        "proration": True,
        "proration_details": {"credited_items": details, "discount_amounts": []},
        "quantity": int(books["subscriptions"]["quantity"][row]),
        "quantity_decimal": str(int(books["subscriptions"]["quantity"][row])),
    }  # fmt: skip


def _item_of_line(books: Books, row: int) -> Document:
    shown, invoice_row = line(books, row), int(books["invoice_lines"]["invoice_id"][row])
    subscription = int(books["invoice_lines"]["subscription_id"][row])
    return _item(
        line_key(row), shown["amount"], int(books["invoices"]["currency"][invoice_row]),
        int(books["invoices"]["customer_id"][invoice_row]),
        int(books["invoices"]["drafted_at"][invoice_row]),
        NONE if subscription == NONE else int(books.chain[subscription]),
        INVOICE_IDS.of(invoice_row), shown["period"], shown["pricing"],
    ) | {
        name: shown[name] for name in ("description", "quantity", "quantity_decimal")
    }  # fmt: skip


def _item(
    key: int, amount: int, currency: int, customer: int, at: int, chain: int,
    invoice_id: str | None, period: Document, price: Document,
) -> Document:  # fmt: skip
    parent = {
        "subscription_details": {
            "subscription": SUBSCRIPTION_IDS.of(chain), "subscription_item": ITEM_IDS.of(chain),
        },
        "type": "subscription_details",
    }  # fmt: skip
    return {
        "id": INVOICE_ITEM_IDS.of(key), "object": "invoiceitem", "amount": amount,
        "currency": CODES[currency], "customer": CUSTOMERS.of(customer), "customer_account": None,
        "date": at // SECOND, "description": None, "discountable": False, "discounts": [],
        "invoice": invoice_id, "livemode": False, "metadata": {}, "net_amount": amount,
        "parent": None if chain == NONE else parent, "period": period, "pricing": price,
        "proration": False, "proration_details": None, "quantity": 1, "quantity_decimal": "1",
        "tax_rates": [], "test_clock": None,
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
