"""Reads LinkedIn's ad accounts: their campaigns, and what these and their ads came to by day.

A report has no pages and is cut without a word at MOST elements. So each is asked for in slices
that cannot have as many, as far as lists tell; one that has is asked for again in halves, by days,
then by campaigns. The report of a campaign's single day that still has as many is an error.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account, AdsReader, Listing, Row
from ingestion.sources.linkedin_ads.client import FIELDS, Element, LinkedInClient, id_of
from ingestion.sources.linkedin_ads.settings import LinkedInAdsSource

MOST = 15_000
"""The elements after which LinkedIn cuts a report."""
LONGEST = 92
"""The most days that are asked for at once."""
SIX_PLACES = Decimal("0.000001")
A_MILLISECOND = dt.timedelta(milliseconds=1)
EPOCH = dt.datetime(1970, 1, 1)


class LinkedInAdsReader(AdsReader):
    """Reads the accounts that one member's token shows."""

    way_in = (
        "give the member whose token it is a role in the account (LinkedIn Campaign Manager, "
        "Account settings, Manage access; a viewer may read all)"
    )

    def __init__(self, source: LinkedInAdsSource, patience: Patience | None = None) -> None:
        self._source = source
        self._client = LinkedInClient(source, patience)
        self._campaigns: dict[str, list[Element]] = {}
        self._nobodys: dict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    @property
    def asked(self) -> object:
        """What is asked of each day; in whatever version of the API it means the same."""
        return {"fields": FIELDS}

    def listing(self) -> Listing:
        """The accounts in which the member has a role. LinkedIn's days are those of UTC."""
        found: list[Account] = []
        for page in self._client.accounts():
            found += [
                Account(str(it["id"]), it.get("name"), it["currency"], "UTC", it.get("status"))
                for it in page.results
            ]
            at = page.received_at
        return Listing(list({account.id: account for account in found}.values()), at)

    def campaigns(self, account: Account) -> Iterator[Sequence[Row]]:
        """All campaigns, archived and completed ones, too."""
        yield [_campaign(it) for it in self._listed(account)]

    def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """The days of campaigns, those that are in no list any more included."""
        ids = [str(it["id"]) for it in self._listed(account)]
        for part in window.slices(_longest(len(ids))):
            for elements in self._report("CAMPAIGN", part, account, ids):
                yield [{"campaign": id_of(it), **_figures(it)} for it in elements]

    def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """The days of creatives, which LinkedIn has in campaigns, and in no groups."""
        known: dict[str, tuple[str | None, str | None]] = {
            it["id"].rpartition(":")[2]: (it["campaign"].rpartition(":")[2], it.get("name"))
            for page in self._client.creatives(account.id)
            for it in page.results
        }
        ids = [str(it["id"]) for it in self._listed(account)]
        for part in window.slices(_longest(len(known))):
            for elements in self._report("CREATIVE", part, account, ids):
                for element in elements:
                    if (ad := id_of(element)) not in known:
                        known[ad] = self._client.campaign_of(account.id, ad, part), None
                        if known[ad][0] is None:
                            self._nobodys[account.id].add(ad)
                yield [
                    {
                        "campaign": known[id_of(it)][0],
                        "ad_group": None,
                        "ad": id_of(it),
                        "name": known[id_of(it)][1],
                        **_figures(it),
                    }
                    for it in elements
                    if known[id_of(it)][0] is not None
                ]

    def account_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """The account's days: one element each."""
        for part in window.slices(LONGEST):
            elements = self._client.report(account.id, "ACCOUNT", part)
            yield [{name: _figures(it)[name] for name in ("day", "spend")} for it in elements]

    def warnings(self) -> Iterator[str]:
        """Ads of which LinkedIn does not say whose they are: their campaign has what they spent."""
        for account, ads in sorted(self._nobodys.items()):
            yield (
                f"account {account}: of {len(ads):,} ads that are in no list, such as creative "
                f"{min(ads)}, LinkedIn does not tell the campaign: what they spent is with their "
                "campaigns, by no ad"
            )

    def stop(self) -> None:
        """Let no request begin any more."""
        self._client.stop()

    def _listed(self, account: Account) -> list[Element]:
        """The account's campaigns, asked for once."""
        with self._lock:
            if account.id not in self._campaigns:
                pages = self._client.campaigns(account.id)
                self._campaigns[account.id] = [it for page in pages for it in page.results]
            return self._campaigns[account.id]

    def _report(
        self, pivot: str, window: Window, account: Account, campaigns: Sequence[str]
    ) -> Iterator[list[Element]]:
        """All of an account's report, in parts that were not cut. Raises SourceError."""
        found = self._client.report(account.id, pivot, window)
        if len(found) < MOST:
            yield found
        elif window.days > 1:
            for half in window.halves():
                yield from self._report(pivot, half, account, campaigns)
        else:
            parts = list(self._by_campaign(pivot, window, account, campaigns))
            told = {id_of(it) for part in parts for it in part}
            if not {id_of(it) for it in found} <= told:
                raise self._too_much(window, account, "some of no campaign that is in its list")
            yield from parts

    def _by_campaign(
        self, pivot: str, day: Window, account: Account, campaigns: Sequence[str]
    ) -> Iterator[list[Element]]:
        """The report of a day, campaign by campaign where more of them have too much."""
        if len(campaigns) > 1:
            middle = len(campaigns) // 2
            for half in (campaigns[:middle], campaigns[middle:]):
                found = self._client.report(account.id, pivot, day, half)
                if len(found) < MOST:
                    yield found
                else:
                    yield from self._by_campaign(pivot, day, account, half)
            return
        if not campaigns:
            raise self._too_much(day, account, "and no campaign is in the account's list")
        if len(found := self._client.report(account.id, pivot, day, campaigns)) >= MOST:
            raise self._too_much(day, account, f"of campaign {campaigns[0]} alone")
        yield found

    def _too_much(self, day: Window, account: Account, whose: str) -> SourceError:
        return SourceError(
            f"source {self._source.name}: account {account.id}: the report of {day.since} has "
            f"{MOST:,} elements {whose}: LinkedIn cuts it there and tells no more. Nothing of this "
            "source was loaded; leave the account out (`accounts`), and tell us of it"
        )


def _longest(names: int) -> int:
    """The days of which so many campaigns or ads cannot have MOST elements."""
    return max(1, min(LONGEST, (MOST - 1) // max(1, names)))


def _campaign(found: Element) -> Row:
    schedule = found.get("runSchedule") or {}
    end = schedule.get("end")
    return {
        "source_id": str(found["id"]),
        "name": found.get("name"),
        "status": found.get("status"),
        "kind": found.get("type"),
        "started_on": _day(schedule.get("start")),
        # The end is the moment after the last one, often midnight.
        "ended_on": None if end is None else _day(end - 1),
        "budget": (found.get("totalBudget") or {}).get("amount"),
        "daily_budget": (found.get("dailyBudget") or {}).get("amount"),
    }


def _figures(found: Element) -> dict[str, object]:
    """An element's day and figures: what LinkedIn leaves out of those that were asked for is 0."""
    start = found["dateRange"]["start"]
    return {
        "day": dt.date(start["year"], start["month"], start["day"]).isoformat(),
        "spend": _money(found.get("costInLocalCurrency", "0")),
        "impressions": found.get("impressions", 0),
        "clicks": found.get("clicks", 0),
        "conversions": found.get("externalWebsiteConversions", 0),
        "conversion_value": _money(found.get("conversionValueInLocalCurrency", "0")),
    }


def _money(text: object) -> str:
    """An amount without the noise of sums of binary fractions, such as -2E-18.

    What is no amount stays as it is, and is rejected.
    """
    try:
        return format(Decimal(str(text)).quantize(SIX_PLACES), "f")
    except InvalidOperation:
        return str(text)


def _day(moment: int | None) -> str | None:
    """The day, in UTC, of milliseconds since 1970."""
    return None if moment is None else (EPOCH + moment * A_MILLISECOND).date().isoformat()
