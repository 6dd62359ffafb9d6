"""Days that a platform restates: which of them a load reads again, by account.

Each account has days of its own. What is known of days within the window is compared with what is
told of them now: a record that is told no more is deleted. What is outside stays as it is known.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ingestion.warehouse.duckdb_sql import literal

ONE_DAY = dt.timedelta(days=1)
A_WEEK = dt.timedelta(days=7)
BEGINNING = dt.timedelta(days=3 * 365)
"""How far back a first load reads where nothing is said."""


@dataclass(frozen=True, order=True)
class Window:
    """Days of one account, the first and the last included."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.until - self.since).days + 1

    def slices(self, longest: int) -> Iterator[Window]:
        """The same days in windows of at most so many, in order."""
        since = self.since
        while since <= self.until:
            until = min(self.until, since + dt.timedelta(days=longest - 1))
            yield Window(since, until)
            since = until + ONE_DAY

    def halves(self) -> tuple[Window, Window]:
        """The same days in two windows. ValueError where there is one day alone."""
        if self.days < 2:
            raise ValueError(f"{self.since} cannot be halved")
        until = self.since + dt.timedelta(days=self.days // 2 - 1)
        return Window(self.since, until), Window(until + ONE_DAY, self.until)


@dataclass(frozen=True)
class Scope:
    """The accounts that a load has read whole, each within its window, or in all (None)."""

    windows: Mapping[str, Window | None]

    def sql(self, account: str = "account", day: str = "day") -> str:
        """SQL of whether a row is within, by what is its account and its day; holds of none if so.

        Ids of accounts are digits.
        """
        alike: defaultdict[Window | None, list[str]] = defaultdict(list)
        for id, window in self.windows.items():
            alike[window].append(literal(id))
        parts = []
        for window, ids in alike.items():
            among = f"{account} in ({', '.join(ids)})"
            if window:
                among += f" and {day} between date '{window.since}' and date '{window.until}'"
            parts.append(f"({among})")
        return " or ".join(parts) or "false"

    def told(self, account: str) -> str:
        """The days of an account that are within, in words."""
        window = self.windows[account]
        return f"{window.since} to {window.until}" if window else "all days"


@dataclass(frozen=True)
class Seen:
    """What loads have read of an account, as it is asked for now.

    `since` is the first day ever read, `until` the account's day at the last load, `long_on` that
    of the last long reading.
    """

    since: dt.date
    until: dt.date
    long_on: dt.date


@dataclass(frozen=True)
class Restated:
    """How far back days are read again: `days` at each load, `days_weekly` once a week.

    `since` is the first day that is wanted; without it that of the first load, which reads
    BEGINNING back.
    """

    days: int
    days_weekly: int
    since: dt.date | None = None

    def plan(
        self, today: dt.date, seen: Seen | None, earliest: dt.date | None = None
    ) -> tuple[Window, Seen]:
        """What to read of an account on a day of its own, and what is then seen of it.

        Without `seen` all is read. Else the days before the last load, so that none is missing
        however long ago that was. `earliest` is the first day of which there is anything to read.
        """
        wanted = self.since or (seen.since if seen else today - BEGINNING)
        first = min(today, max(wanted, earliest or wanted))
        if seen is None or first < seen.since:
            return Window(first, today), Seen(first, today, today)
        is_long = today - seen.long_on >= A_WEEK
        back = dt.timedelta(days=self.days_weekly if is_long else self.days)
        window = Window(max(first, min(today, seen.until) - back), today)
        return window, Seen(seen.since, today, today if is_long else seen.long_on)
