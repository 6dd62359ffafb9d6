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
            return self.instant
        return self.instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


def since(seen: Value, mapping: SqlMapping, now: Now) -> Value:
    """The value from which on rows are read again, when the highest that was seen is `seen`.

    A moment that is yet to come is taken for the present: else no change would be seen until then.
    Raises SourceError where the lag is none of such values.
    """
    if isinstance(seen, str):
        return _since_text(seen, mapping, now)
    if isinstance(seen, dt.datetime):
        return min(seen, now.like(seen)) - dt.timedelta(seconds=_seconds(mapping))
    if isinstance(seen, dt.date):
        day = min(seen, now.like(dt.datetime.min).date())
        midnight = dt.datetime.combine(day, dt.time())
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


def _since_text(seen: str, mapping: SqlMapping, now: Now) -> str:
    """A text that sorts before those of all moments that are to be read again."""
    try:
        moment = dt.datetime.fromisoformat(seen)
    except ValueError:
        raise SourceError(
            f"cursor '{mapping.cursor}' is text ('{seen}') that is no date or time in ISO 8601, "
            "so how far a lag goes back cannot be told; remove 'cursor', or give a SELECT that "
            "makes a time of it"
        ) from None
    if len(seen) <= len("2024-01-31"):
        day = since(moment.date(), mapping, now)
        return str(day)
    found = since(moment, mapping, now)
    assert isinstance(found, dt.datetime)
    # Without the zone that all of them name alike: what is shorter sorts first.
    return found.replace(tzinfo=None).isoformat(sep=seen[10], timespec="seconds")
