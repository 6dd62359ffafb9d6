"""The simulated company's clock.

Moments are int64 microseconds and days int32 days, both since 1970 UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

START = date(2023, 1, 1)
"""First simulated day."""
END = date(2026, 1, 1)
"""`World.create` stops at 00:00 UTC of this day."""

MILLISECOND = 1_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """The calendar day of a day number."""
    return date.fromordinal(EPOCH.toordinal() + number)


def to_datetime(moment: int) -> datetime:
    """An aware UTC datetime of a moment."""
    return datetime.fromtimestamp(moment // 1_000_000, UTC).replace(microsecond=moment % 1_000_000)


def to_moment(when: datetime | date) -> int:
    """The moment of a datetime (naive ones are UTC) or of a day's midnight UTC."""
    if not isinstance(when, datetime):
        return day_number(when) * DAY
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def add_months(day: date, months: int) -> date:
    """The same day of another month, for days that every month has (1 to 28)."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, day.day)


def quarter_start(day: date) -> date:
    """First day of the calendar quarter of `day`."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


WORK_BEGINS_UTC = np.array([13.0, 7.0, 0.0])
"""Hour (UTC) at which the working day of Americas, EMEA and APAC begins."""


def working_moments(rng: np.random.Generator, day: int, region: Ints) -> Ints:
    """A moment of day `day` for each element, in the working hours of its region (-1: any hour).

    A working day that runs past 23:30 UTC wraps to the early hours of the same day: every event
    of a step stays within its day and before the day's closing jobs (merges, deletions).
    """
    if not len(region):
        return np.empty(0, np.int64)
    hours = np.clip(rng.normal(5.0, 2.6, len(region)), -1.5, 13.0)
    begins = np.where(region < 0, rng.uniform(0, 24, len(region)), WORK_BEGINS_UTC[region])
    within = ((begins + hours) % 23.5 * HOUR).astype(np.int64)
    return day * DAY + within // MILLISECOND * MILLISECOND
