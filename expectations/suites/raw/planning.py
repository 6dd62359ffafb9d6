"""What was planned: quotas, and forecasts as they were submitted."""

from __future__ import annotations

from collections.abc import Mapping

from expectations.suites.model import Check, between, never
from expectations.suites.raw.common import AMOUNT, CURRENCY, not_ahead

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "quotas": (
        between(
            "amount_positive",
            "warning",
            "The target is above 0.",
            column="amount",
            minimum=0,
            exclusive=True,
        ),
        never(
            "not_first_of_month",
            "warning",
            "The period starts on the first day of a month.",
            "extract(day from period_start) <> 1",
        ),
        CURRENCY,
    ),
    "forecast_submissions": (
        AMOUNT,
        not_ahead("submitted_at"),
    ),
}
