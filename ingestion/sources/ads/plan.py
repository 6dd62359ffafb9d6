"""Which days of each account a load reads, and what it records of them for the next one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.errors import SourceError
from ingestion.http import MalformedAnswerError, Place
from ingestion.loading.api_load import ApiLoad, Asked
from ingestion.loading.restated import ONE_DAY, Restated, Seen, Window
from ingestion.loading.state import LastExport
from ingestion.sources.ads.reader import Account, AdsReader, Listing
from ingestion.sources.ads.settings import AdsSource

DAYS = "campaign_days"
"""The table whose last export says what was read of each account."""


@dataclass(frozen=True)
class SeenOf:
    """The days that were seen of an account, and a hash of what figures were asked for."""

    days: Seen
    figures: str

    def told(self) -> dict[str, str]:
        """As JSON has it."""
        days = {name: str(day) for name, day in asdict(self.days).items()}
        return {**days, "figures": self.figures}

    @classmethod
    def of(cls, told: Mapping[str, str]) -> SeenOf:
        """As `told` has it."""
        days = {name: dt.date.fromisoformat(told[name]) for name in ("since", "until", "long_on")}
        return cls(Seen(**days), told["figures"])


@dataclass(frozen=True)
class Plan:
    """The days to read, by account, and what is then seen of all accounts that any load has read.

    There are none of an account in which the first day that is wanted begins within a day.
    `before` is what was seen of them by earlier loads. `asked_for` is what figures depend on.
    """

    windows: Mapping[str, Window]
    seen: Mapping[str, SeenOf]
    before: Mapping[str, SeenOf]
    asked_for: object
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls,
        source: AdsSource,
        reader: AdsReader,
        listing: Listing,
        accounts: Iterable[Account],
        load: ApiLoad,
    ) -> Plan:
        """The plan for accounts at the moment of their listing, after the last load.

        Raises SourceError where company.yml wants days that have not come, or the money of an
        account is of nobody knows which currency.
        """
        place, before = load.place, _before(load.last)
        columns = [
            str(column) for table in ("campaign_days", "ad_days") for column in load.tables[table]
        ]
        figures = _hash([reader.asked, columns])
        restated = Restated(source.restated_days, source.restated_days_weekly, source.since)
        windows: dict[str, Window] = {}
        seen = dict(before)
        warnings: list[str] = []
        for account in accounts:
            today = today_of(account, listing, place)
            if not account.currency:
                raise MalformedAnswerError(
                    place, f"it tells no currency of account {account.id}, whose days are money"
                )
            refuse_to_come(source, account, today, place)
            if source.since and source.since > today:
                continue
            earliest = reader.earliest(today)
            known = before.get(account.id)
            days = known.days if known and known.figures == figures else None
            window, now = restated.plan(today, days, earliest)
            windows[account.id], seen[account.id] = window, SeenOf(now, figures)
            warnings += _too_early(source, account, earliest, place)
        return cls(windows, seen, before, reader.asked, tuple(warnings))

    def asked(self) -> Asked:
        """What the record of the load says.

        A long reading is recorded, whatever it finds, and an account that is new.
        """
        told = {id: it.told() for id, it in sorted(self.seen.items())}
        again = {id: {**it, "until": None} for id, it in told.items()}
        read = {id: [str(it.since), str(it.until)] for id, it in sorted(self.windows.items())}
        return Asked(
            _hash(again),
            {"asked": self.asked_for, "windows": read},
            {"windows": json.dumps(told)},
        )


def today_of(account: Account, listing: Listing, place: Place) -> dt.date:
    """The account's day at the moment of a listing. Raises MalformedAnswerError of its zone."""
    try:
        zone = ZoneInfo(account.timezone)
    except (LookupError, ValueError):
        raise MalformedAnswerError(
            place, f"the time zone of account {account.id} is {account.timezone!r}"
        ) from None
    return listing.at.replace(tzinfo=dt.UTC).astimezone(zone).date()


def refuse_to_come(source: AdsSource, account: Account, today: dt.date, place: Place) -> None:
    """Raise SourceError where company.yml wants days of an account that have not come.

    A day that begins within one has come elsewhere: where it is earlier, it comes by itself.
    """
    if source.since and source.since > today + ONE_DAY:
        raise SourceError(
            f"{place}: since: {source.since} has not come in account {account.id}, whose day is "
            f"{today}; write the first day that is to be read"
        )


def _before(last: Mapping[str, LastExport]) -> dict[str, SeenOf]:
    """What earlier loads have seen, by account."""
    if DAYS not in last:
        return {}
    told = json.loads(last[DAYS].row["windows"])
    return {id: SeenOf.of(it) for id, it in told.items()}


def _too_early(
    source: AdsSource, account: Account, earliest: dt.date | None, place: Place
) -> Iterator[str]:
    if source.since and earliest and source.since < earliest:
        yield (
            f"account {account.id} is read from {earliest} on, not from {source.since}: "
            f"{place.label} tells of no earlier days"
        )


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
