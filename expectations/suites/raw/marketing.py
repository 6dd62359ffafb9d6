"""Records of marketing: campaigns, what was spent, whom they touched."""

from __future__ import annotations

from collections.abc import Mapping

from expectations.suites.model import Check, between, never, ordered
from expectations.suites.raw.common import CURRENCY, not_ahead

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "campaigns": (
        ordered(
            "ended_after_started",
            "warning",
            "No campaign ended before it started.",
            "started_on",
            "ended_on",
        ),
        between(
            "budget_not_negative",
            "warning",
            "The budget is not negative.",
            column="budget",
            minimum=0,
        ),
        CURRENCY,
    ),
    "spend_daily": (
        between(
            "spend_not_negative",
            "warning",
            "The spend is not negative.",
            column="spend",
            minimum=0,
        ),
        never(
            "more_clicks_than_impressions",
            "warning",
            "No ad was clicked more often than shown.",
            "clicks > impressions",
        ),
        CURRENCY,
        not_ahead("day"),
    ),
    "touches": (
        never(
            "of_nobody",
            "warning",
            "The touch is of a lead, a contact or a deal.",
            "coalesce(lead_id, contact_id, opportunity_id) is null",
        ),
        not_ahead("occurred_at"),
    ),
}
