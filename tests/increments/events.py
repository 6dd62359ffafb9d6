"""What may happen to a seller's exports between two builds, each by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.increments import (
    activity_events,
    company_events,
    deal_events,
    finance_events,
    marketing_events,
)
from tests.increments.happenings import EVENTS

__all__ = [
    "EVENTS",
    "OF_RECORDS",
    "SETTINGS",
    "activity_events",
    "company_events",
    "deal_events",
    "finance_events",
    "marketing_events",
]

OF_ALL = ("rate", "rep_", "account_", "stage_added", "stage_re", "stages_", "quota_", "second_")
OF_RECORDS = {name for name in EVENTS if not name.startswith(OF_ALL)}
"""What happens to single records: other things may have all of them built anew."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "team": {"team": "now"},
    "closing": {"closing": "told"},
    "timezone": {"timezone": "Asia/Tokyo"},
    "fiscal year": {"fiscal_year_start_month": 4},
    "finance": {
        "finance": {
            "gross_margin": 0.7,
            "subscription_statuses": {"trialing": "counts"},
            "invoice_statuses": {"sent": "written_off"},
        }
    },
    "calendar": {
        "calendar": {
            "country": "US",
            "working_days": ["mon", "tue", "wed", "sat"],
            "closes": "15:30",
            "holidays": ["2024-02-05"],
        }
    },
    "marketing": {"marketing": {"cost_teams": {"north": "other"}, "qualified_by": "converted_at"}},
}
"""Changes of the company file."""
