"""Fiscal periods."""

from __future__ import annotations

import pandas as pd

GRAINS = {"month": 1, "quarter": 3, "year": 12, "all": 0}
"""Months in a period of each grain; `all` has no limits."""
WEEKLY = (*GRAINS, "week")
"""Those of a metric that has weeks, too."""


def period_start(month: pd.Period, grain: str, first_month: int) -> str:
    """First day of the fiscal period that a month lies in; empty for the grain `all`."""
    if grain == "all":
        return ""
    return str((month - (month.month - first_month) % GRAINS[grain]).start_time.date())


def week_start(day: pd.Timestamp) -> str:
    """The Monday of the week (ISO) that a day lies in."""
    return str((day - pd.Timedelta(days=day.weekday())).date())
