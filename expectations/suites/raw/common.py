"""What holds for records of several entities."""

from __future__ import annotations

from expectations.suites.model import Check, between, matches, never, within
from ingestion.contract.currencies import CURRENCIES

EMAIL_PATTERN = r"^[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+$"
DOMAIN_PATTERN = r"^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"

CURRENCY = within(
    "currency",
    sorted(CURRENCIES),
    "warning",
    "The currency is an ISO 4217 code; another one has no exchange rate.",
)
AMOUNT = between(
    "amount_not_negative",
    "warning",
    "The amount is not negative.",
    column="amount",
    minimum=0,
)
EMAIL = matches("email", EMAIL_PATTERN, "warning", "The email address has the form of one.")
DOMAIN = matches("domain", DOMAIN_PATTERN, "warning", "The web domain has the form of one.")


def not_ahead(column: str) -> Check:
    """A moment was past when it was loaded."""
    return never(
        f"{column}_not_ahead",
        "warning",
        f"{column} is not more than a day after the moment that the record was loaded.",
        f"{column} > loaded_at + interval '1 day'",
    )
