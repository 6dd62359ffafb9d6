"""What a load reads: everything, or what events tell to have changed since the last one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ingestion.loading.api_load import Asked
from ingestion.loading.state import LastExport
from ingestion.sources.stripe.client import VERSION
from ingestion.sources.stripe.settings import StripeSource
from ingestion.sources.stripe.tables import TABLES

LAG = dt.timedelta(minutes=15)
"""How late an event may be listed; windows overlap by as much."""
EVENTS_KEPT = dt.timedelta(days=30)
"""Stripe forgets older events."""


@dataclass(frozen=True)
class Plan:
    """What is read: `since` is the moment from which on events are asked for.

    `is_whole`: every list is read, too. `gap_from` is the moment up to which the last load knew all
    where events since then are no longer to be had; `listed_at` that of the last whole reading.
    """

    is_whole: bool
    since: dt.datetime
    gap_from: dt.datetime | None
    settings: str
    listed_at: dt.datetime

    @classmethod
    def of(cls, source: StripeSource, last: Mapping[str, LastExport], now: dt.datetime) -> Plan:
        """The plan for a load at a moment by Stripe's clock, after the last one."""
        settings = _fingerprint(source)
        before = last.get("events")
        if before is None:
            return cls(True, now - EVENTS_KEPT, None, settings, now)
        synced_to: dt.datetime = before.row["synced_to"]
        if now - (synced_to - LAG) > EVENTS_KEPT:
            return cls(True, now - EVENTS_KEPT, synced_to, settings, now)
        was, _, listed_at = before.fingerprint.partition("@")
        if was != settings:
            return cls(True, now - EVENTS_KEPT, None, settings, now)
        return cls(False, synced_to - LAG, None, settings, dt.datetime.fromisoformat(listed_at))

    def warnings(self, source: StripeSource) -> Iterator[str]:
        """What of subscriptions is not known."""
        entities = source.entities_given
        if self.gap_from:
            yield (
                f"the last load is of {self.gap_from:%Y-%m-%d %H:%M}, and Stripe tells of changes "
                "for 30 days: everything was listed again; what subscriptions were between then "
                f"and {self.since:%Y-%m-%d %H:%M} is told by invoices alone"
            )
        if self.is_whole and "subscriptions" in entities and "invoice_lines" not in entities:
            yield (
                "subscriptions are read without invoice_lines: before "
                f"{self.since:%Y-%m-%d} each is taken to have been as it was then"
            )

    def asked(self, until: dt.datetime) -> Asked:
        """What the record of the load says; a whole reading is recorded, whatever it finds."""
        return Asked(
            f"{self.settings}@{self.listed_at.isoformat()}",
            {
                "whole": self.is_whole,
                "events_since": self.since.isoformat(),
                "events_until": until.isoformat(),
            },
            {"synced_to": until, "api_version": VERSION},
        )


def _fingerprint(source: StripeSource) -> str:
    """A hash of all that the rows depend on beside the account."""
    columns = {table: [str(column) for column in found] for table, found in TABLES.items()}
    parts = [VERSION, source.entities_given, source.mapping, source.minor_units, columns]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
