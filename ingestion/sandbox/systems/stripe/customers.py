"""Customers."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.systems.stripe.books import Books, seconds
from ingestion.sandbox.systems.stripe.collections import Document, Ids, Kind, Mask
from ingestion.sandbox.systems.stripe.money import CODES
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import NULL

IDS = Ids("cus_", FIRST_ID["customers"])
COMPANY, DOMAIN = "crm_company", "domain"
"""Keys of metadata: the CRM's id of the customer's company, and the company's domain."""


def customers(books: Books) -> Kind:
    """All customers; those that were deleted are in no list."""

    def of_email(question: Question, name: str) -> Mask:
        emails = np.array([texts[1] for texts in books.customer_texts])
        return np.asarray(emails == question.single[name])

    return Kind(
        "customers", "customer", IDS, seconds(books["customers"]["created_at"]),
        lambda key, at: customer(books, key, at), {"email": of_email},
        deleted=books.customer_deleted_at != NULL,
    )  # fmt: skip


def customer(books: Books, row: int, at: int) -> Document:
    """A customer, or what is left of one that was deleted."""
    deleted_at = int(books.customer_deleted_at[row])
    if deleted_at != NULL and deleted_at <= at:
        return {"id": IDS.of(row), "object": "customer", "deleted": True}
    store = books["customers"]
    name, email, domain, company = books.customer_texts[row]
    return {
        "id": IDS.of(row), "object": "customer", "address": None, "balance": 0,
        "created": int(store["created_at"][row]) // 1_000_000,
        "currency": CODES[store["currency"][row]], "customer_account": None,
        "default_source": None, "delinquent": False, "description": None, "discount": None,
        "email": email, "invoice_prefix": f"C{row:07d}",
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None,
            "rendering_options": None,
        },
        "livemode": False, "metadata": {COMPANY: company, DOMAIN: domain}, "name": name,
        "next_invoice_sequence": 1, "phone": None, "preferred_locales": [], "shipping": None,
        "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip
