"""Cursors: from which value on a load reads the rows that have changed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from ingestion.errors import SourceError
from ingestion.sources.sql.settings import SqlMapping

Value = dt.datetime | dt.date | Decimal | int | float | str


def written(value: Value) -> str:
    """A value as it is recorded: its type, and its text."""
    return json.dumps([_kind(value), value if isinstance(value, str) else str(value)])


def read(text: str) -> Value:
    """A value as it was recorded."""
    kind, value = json.loads(text)
    match kind:
        case "moment":
            return dt.datetime.fromisoformat(value)
        case "day":
            return dt.date.fromisoformat(value)
        case "whole":
            return int(value)
        case "decimal":
            return Decimal(value)
        case "float":
            return float(value)
        case _:
            return str(value)


def _kind(value: Value) -> str:
    # Not isinstance: a datetime is a date, too.
    return {
        dt.datetime: "moment",
        dt.date: "day",
        int: "whole",
        Decimal: "decimal",
        float: "float",
    }.get(type(value), "text")


@dataclass(frozen=True)
class Now:
    """The present: as an instant, and on the clocks of timestamps that name no zone."""

    instant: dt.datetime
    zone: str

    def like(self, moment: dt.datetime) -> dt.datetime:
        """The present as this moment is written: with a zone or without."""
        if moment.tzinfo is not None:
            return self.instant.astimezone(moment.tzinfo)
        return self.instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


def present(value: Value, cursor: str, now: Now) -> Value | None:
    """The present as values of this kind are written, where they are moments or days.

    Raises SourceError of a text that is none.
    """
    if isinstance(value, str):
        moment = _moment(value, cursor)
        return _like(value, now.like(moment).replace(tzinfo=None), "seconds")
    if isinstance(value, dt.datetime):
        return now.like(value)
    if isinstance(value, dt.date):
        return now.like(dt.datetime.min).date()
    return None


def is_below(value: Value | None, other: Value) -> bool:
    """Whether a value is lower than another; one that is none, or of another kind, is."""
    try:
        return value is None or value < other  # type: ignore[operator]
    except TypeError:
        return True


def since(seen: Value, mapping: SqlMapping) -> Value:
    """The value from which on rows are read again, when the highest that was seen is `seen`.

    Raises SourceError where the lag is none of such values.
    """
    if isinstance(seen, str):
        # What is shorter sorts first, so minutes are before all of their seconds.
        moment = _moment(seen, str(mapping.cursor)).replace(tzinfo=None)
        return _like(seen, moment - dt.timedelta(seconds=_seconds(mapping)), "minutes")
    if isinstance(seen, dt.datetime):
        return seen - dt.timedelta(seconds=_seconds(mapping))
    if isinstance(seen, dt.date):
        midnight = dt.datetime.combine(seen, dt.time())
        return (midnight - dt.timedelta(seconds=_seconds(mapping))).date()
    if isinstance(mapping.lag, str):
        raise SourceError(
            f"lag = '{mapping.lag}': cursor '{mapping.cursor}' is a number, so its lag is one, "
            "too: by how much one may be behind that is committed late, such as lag: 1000"
        )
    return seen - mapping.lag


def _seconds(mapping: SqlMapping) -> int:
    if mapping.lag_seconds is None:
        raise SourceError(
            f"lag = {mapping.lag}: cursor '{mapping.cursor}' is a date or time; write a duration, "
            "such as 1h"
        )
    return mapping.lag_seconds


def _moment(text: str, cursor: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise SourceError(
            f"cursor '{cursor}' is text ('{text}') that is no date or time in ISO 8601, so how "
            "far a lag goes back cannot be told; remove 'cursor', or give a SELECT that makes a "
            "time of it"
        ) from None


def _like(text: str, moment: dt.datetime, precision: str) -> str:
    """A moment as a text writes its own, on the clock of its zone, which is left out."""
    if len(text) <= len("2024-01-31"):
        return str(moment.date())
    return moment.isoformat(text[10], precision)[: len(text)]
