"""Moments in the days, months and fiscal periods of a company's time zone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints, to_moment
from ingestion.sandbox.world.store import Array


@dataclass(frozen=True)
class Office:
    """When people work: weekdays (Monday is 0), hours of the day, and numbers of days off."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: int = 9 * HOUR
    closes: int = 17 * HOUR
    days_off: frozenset[int] = frozenset()

    def is_open(self, day: Ints) -> Array:
        """Whether people work on days."""
        weekday = (np.asarray(day) + 3) % 7
        return np.isin(weekday, self.weekdays) & ~np.isin(day, list(self.days_off))

    def worked(self, first: Ints, last: Ints) -> Ints:
        """Working microseconds from one time on local clocks to another: day by day."""
        total = np.zeros(len(first), np.int64)
        day = first // DAY
        while (day * DAY < last).any():
            begins, ends = day * DAY + self.opens, day * DAY + self.closes
            overlap = np.minimum(ends, last) - np.maximum(begins, first)
            total += np.where(self.is_open(day), np.maximum(overlap, 0), 0)
            day = day + 1
        return total


@dataclass(frozen=True)
class Calendar:
    """A company's calendar. Moments are microseconds, days are counted from 1970, months from 0."""

    timezone: str
    fiscal_year_start_month: int

    def local_day(self, moment: Ints) -> Ints:
        """Day number of moments in the company's time zone."""
        return self.clock(moment) // DAY

    def clock(self, moment: Ints) -> Ints:
        """What the company's clocks show at moments, in microseconds."""
        local = pd.DatetimeIndex(pd.to_datetime(np.asarray(moment, np.int64), unit="us", utc=True))
        naive = local.tz_convert(self.timezone).tz_localize(None)
        return naive.to_numpy().astype("datetime64[us]").astype(np.int64)

    def day_start(self, day: Ints) -> Ints:
        """The moments at which local days begin."""
        days = pd.DatetimeIndex(np.asarray(day, np.int64).astype("datetime64[D]").astype("M8[us]"))
        local = days.tz_localize(
            self.timezone, ambiguous=np.ones(len(days), bool), nonexistent="shift_forward"
        )
        return local.tz_convert(None).to_numpy().astype("M8[us]").astype(np.int64)

    def is_day(self, moment: Ints) -> Array:
        """Whether moments are local midnights, which stand for days."""
        return np.asarray(moment) == self.day_start(self.local_day(moment))

    def span(self, first: Ints, last: Ints, is_bare: Array) -> Ints:
        """Microseconds between moments; whole calendar days where either side stands for a day.

        `is_bare` says so of `last`; a local midnight does by itself.
        """
        days = np.asarray(is_bare, bool) | self.is_day(first) | self.is_day(last)
        between = (self.local_day(last) - self.local_day(first)) * DAY
        return np.where(days, between, np.asarray(last) - np.asarray(first))

    def month(self, moment: Ints) -> Ints:
        """Month of moments in the company's time zone, counted from year 0."""
        return month_of_day(self.local_day(moment))

    def month_start(self, month: int) -> int:
        """The moment at which a local month begins."""
        start = pd.Timestamp(year=month // 12, month=month % 12 + 1, day=1)
        local = start.tz_localize(self.timezone, ambiguous=True, nonexistent="shift_forward")
        return to_moment(local.to_pydatetime())


def month_of_day(day: Ints) -> Ints:
    """Month of day numbers, counted from year 0."""
    days = np.asarray(day, np.int64).astype("datetime64[D]")
    return days.astype("datetime64[M]").astype(np.int64) + 1970 * 12


def first_day(month: Ints | int) -> Ints:
    """Day number of the first day of months counted from year 0."""
    months = (np.asarray(month, np.int64) - 1970 * 12).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)
