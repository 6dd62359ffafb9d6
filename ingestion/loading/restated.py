"""Days that a platform restates: which of them a load reads again, by account.

Each account has days of its own. What is known of days within the window is compared with what is
told of them now: a record that is told no more is deleted. What is outside stays as it is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

ONE_DAY = dt.timedelta(days=1)


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
