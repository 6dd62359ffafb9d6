"""Records of finance: customers, what they subscribe to and pay, costs, exchange rates."""

from __future__ import annotations

from collections.abc import Mapping

from expectations.suites.model import Check, between, never, ordered, within
from expectations.suites.raw.common import AMOUNT, CURRENCY, DOMAIN, EMAIL, not_ahead
from ingestion.contract.currencies import CURRENCIES

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "customers": (
        EMAIL,
        DOMAIN,
    ),
    "subscriptions": (
        ordered(
            "ended_after_started",
            "warning",
            "No subscription ended before it started.",
            "started_at",
            "ended_at",
        ),
        CURRENCY,
    ),
    "invoices": (
        ordered(
            "due_after_issued",
            "warning",
            "No invoice is due before it was issued.",
            "issued_at",
            "due_at",
        ),
        ordered(
            "paid_after_issued",
            "warning",
            "No invoice was paid before it was issued.",
            "issued_at",
            "paid_at",
        ),
        never(
            "paid_in_part_only",
            "warning",
            "An invoice with a date of payment has been paid in full.",
            "paid_at is not null and amount_paid < total",
        ),
        never(
            "paid_more_than_due",
            "warning",
            "No more was paid than the invoice's total.",
            "amount_paid > total and total >= 0",
        ),
        never(
            "more_tax_than_total",
            "warning",
            "No tax is more than what it is part of.",
            "tax > total and total >= 0",
        ),
        not_ahead("issued_at"),
        CURRENCY,
    ),
    "invoice_lines": (
        ordered(
            "period_ends_after_start",
            "warning",
            "No service period ends before it starts.",
            "period_start",
            "period_end",
        ),
    ),
    "payments": (
        AMOUNT,
        CURRENCY,
        not_ahead("occurred_at"),
    ),
    "credit_notes": (
        AMOUNT,
        CURRENCY,
        not_ahead("occurred_at"),
    ),
    "costs": (
        AMOUNT,
        never(
            "not_first_of_month",
            "warning",
            "The month is given as its first day.",
            "extract(day from month) <> 1",
        ),
        CURRENCY,
    ),
    "fx_rates": (
        between(
            "rate_positive",
            "critical",
            "The rate is above 0.",
            column="rate",
            minimum=0,
            exclusive=True,
        ),
        never(
            "not_one_to_itself",
            "critical",
            "A currency is worth 1 of itself.",
            "from_currency = to_currency and rate <> 1",
        ),
        within(
            "from_currency",
            sorted(CURRENCIES),
            "warning",
            "The currency is an ISO 4217 code.",
        ),
        within(
            "to_currency",
            sorted(CURRENCIES),
            "warning",
            "The currency is an ISO 4217 code.",
        ),
    ),
}
