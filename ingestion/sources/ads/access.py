"""Which of the accounts that the access shows are read, and what is wrong where one is not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingestion.errors import SourceError
from ingestion.sources.ads.plan import SeenOf
from ingestion.sources.ads.reader import Account, Listing
from ingestion.sources.ads.settings import AdsSource

SHOWN = 20


@dataclass(frozen=True)
class Access:
    """The accounts to `read`, by id, and those that are wanted and cannot be read now."""

    read: Sequence[Account]
    closed: Sequence[Account]

    @classmethod
    def of(cls, source: AdsSource, listing: Listing, way_in: str) -> Access:
        """The accounts that company.yml names, or all. Raises SourceError where there is none.

        That they are closed is no mistake of the company file: other sources are read all the same.
        """
        shown = {account.id: account for account in listing.accounts}
        place = f"source {source.name}"
        if missing := [id for id in source.accounts if id not in shown]:
            raise SourceError(
                f"{place}: accounts: the access shows no account {', '.join(missing)}; it shows "
                f"{_listed(shown)}. See whether each id is right, and {way_in}"
            )
        wanted = [shown[id] for id in sorted(source.accounts or shown)]
        if not wanted:
            raise SourceError(f"{place}: the access shows no account: {way_in}")
        return cls(
            [account for account in wanted if account.is_readable],
            [account for account in wanted if not account.is_readable],
        )

    def warnings(self, source: AdsSource, before: Mapping[str, SeenOf]) -> Iterator[str]:
        """What is not read though it is wanted, or was read by earlier loads (`before`)."""
        statuses = {account.id: account.status or "of unknown status" for account in self.closed}
        if never := {
            id: status
            for id, status in statuses.items()
            if id not in before and id not in source.accounts
        }:
            told = ", ".join(sorted(set(never.values())))
            yield (
                f"accounts that are {told} are not read, and what they ever spent is in no number: "
                f"{_listed(never)}. To hear no more of them, name those to read as `accounts`"
            )
        for id in sorted({*before, *source.accounts} - {account.id for account in self.read}):
            if id in statuses:
                why = f"is not read, for it is {statuses[id]}"
            elif source.accounts:
                why = "is not read any more, for it is not among the source's accounts"
            else:
                why = "is not read any more, for the access does not show it"
            kept = (
                f"; its days stay as they were on {before[id].days.until}" if id in before else ""
            )
            yield f"account {id} {why}{kept}"


def _listed(shown: Collection[str]) -> str:
    if not shown:
        return "none"
    ids = sorted(shown)
    more = f" and {len(ids) - SHOWN:,} others" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more
