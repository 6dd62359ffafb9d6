"""What Meta has of ad accounts, as rows of the raw tables that all platforms have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.errors import one_of
from ingestion.http import MalformedAnswerError, Patience
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account, AdsReader, Listing, Row
from ingestion.sources.meta_ads.client import MetaAdsClient, NoSuchError
from ingestion.sources.meta_ads.reports import FIELDS, MOST_SECONDS, AccountDays, Question, Reports
from ingestion.sources.meta_ads.settings import (
    CLICK_WINDOWS,
    VIEW_WINDOWS,
    WINDOWS,
    MetaAdsSource,
)

MONTHS_KEPT = 37
STATUSES: Mapping[int, str] = {
    1: "ACTIVE", 2: "DISABLED", 3: "UNSETTLED", 7: "PENDING_RISK_REVIEW",
    8: "PENDING_SETTLEMENT", 9: "IN_GRACE_PERIOD", 100: "PENDING_CLOSURE", 101: "CLOSED",
}  # fmt: skip
"""Meta's numbers for whether an account is in use."""
WITHOUT_CENTS = frozenset(
    {"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"}
)
"""Currencies of which a budget of 1 is one unit; of all others it is a hundredth."""


class MetaAdsReader(AdsReader):
    """Ad accounts at Meta, as one token reads them."""

    way_in = (
        "assign the ad account to the token's user in Meta's Business settings (Users, System "
        "users, Assign assets), with the permission ads_read"
    )

    def __init__(
        self,
        source: MetaAdsSource,
        patience: Patience | None = None,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        patience = patience or Patience()
        self._source = source
        self._client = MetaAdsClient(source, patience)
        self._reports = Reports(self._client, patience, most_seconds)
        self._seen: set[str] = set()
        self._elsewhere = 0

    @property
    def asked(self) -> object:
        """The version of the API, what is asked of it, and what is made of actions."""
        source = self._source
        return {
            "version": source.version,
            "fields": FIELDS,
            "attribution": source.attribution,
            "conversions": sorted(source.conversions),
        }

    def listing(self) -> Listing:
        """The ad accounts of the token."""
        pages = list(self._client.accounts())
        return Listing(
            [
                Account(
                    id=found["account_id"],
                    name=found.get("name"),
                    currency=found["currency"],
                    timezone=found["timezone_name"],
                    status=_status(found.get("account_status")),
                )
                for page in pages
                for found in page.results
            ],
            pages[0].received_at,
        )

    def campaigns(self, account: Account) -> Iterator[Sequence[Row]]:
        """The campaigns that a list has, and deleted ones of which there are figures."""
        today = None
        for page in self._client.campaigns(account.id):
            today = page.received_at.date()
            yield [_campaign(account, found) for found in page.results]
        assert today is not None
        window = Window(self.earliest(today), today)
        for row in self._reports.deleted_campaigns(account.id, window):
            yield [_campaign(account, self._deleted(row))]

    def _deleted(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A deleted campaign; what a report has of it where Meta has nothing else any more."""
        try:
            return self._client.campaign(row["campaign_id"])
        except NoSuchError:
            return {
                "id": row["campaign_id"],
                "name": row.get("campaign_name"),
                "objective": row.get("objective"),
                "effective_status": "DELETED",
            }

    def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """Campaigns by day.

        Conversions that the report leaves out are not known: it may lack those that it has of ads.
        """
        question = Question(account.id, "campaign", window)
        for rows in self._reports.read(question):
            yield [{"campaign": it["campaign_id"], **self._figures(it, None)} for it in rows]

    def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """Ads by day, deleted ones, too. What the report leaves out did not happen."""
        for rows in self._reports.read(Question(account.id, "ad", window)):
            yield [
                {
                    "campaign": it["campaign_id"],
                    "ad_group": it["adset_id"],
                    "ad_group_name": it.get("adset_name"),
                    "ad": it["ad_id"],
                    "name": it.get("ad_name"),
                    **self._figures(it, Decimal(0)),
                }
                for it in rows
            ]

    def account_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """The account by day: unfiltered, it has what deleted campaigns spent, too."""
        for rows in self._reports.read(AccountDays(account.id, "account", window)):
            yield [{"day": it["date_start"], "spend": it.get("spend")} for it in rows]

    def earliest(self, today: dt.date) -> dt.date:
        """The API refuses what is further back than 37 months; a day less is so in any zone."""
        months = today.year * 12 + today.month - 1 - MONTHS_KEPT
        return dt.date(months // 12, months % 12 + 1, 1) + dt.timedelta(days=today.day)

    def warnings(self) -> Iterator[str]:
        """Conversions of company.yml that no report has, and those of no window."""
        for name in self._source.conversions:
            if self._seen and name not in self._seen:
                yield (
                    f"no ad had an action of the type '{name}', which `conversions` in company.yml "
                    f"names; {one_of(name, self._seen)}"
                )

        if self._elsewhere:
            yield (
                f"conversions in none of the windows {', '.join(WINDOWS)}, as those of apps on iOS "
                "or after an engaged view are, are not counted: days of ads that have some: "
                f"{self._elsewhere:,}"
            )

    def stop(self) -> None:
        """Let no request begin any more."""
        self._client.stop()

    def _figures(self, row: Mapping[str, Any], absent: Decimal | None) -> dict[str, object]:
        """What a row of a report says; `absent` are actions of which it says nothing."""
        self._seen.update(it["action_type"] for it in row.get("actions") or ())
        if row["date_start"] != row["date_stop"]:
            place = self._client.place("insights")
            raise MalformedAnswerError(place, f"a day is {row['date_start']} to {row['date_stop']}")
        counts = self._by_window(row.get("actions"), absent)
        if absent is not None:
            self._elsewhere += any(map(_is_elsewhere, self._counted(row.get("actions"))))
        values = self._by_window(row.get("action_values"), absent)
        return {
            "day": row["date_start"],
            "spend": row.get("spend"),
            "impressions": row.get("impressions"),
            "clicks": row.get("clicks"),
            "conversions": self._credited(counts),
            "conversion_value": self._credited(values),
            "attribution": ",".join(self._source.attribution),
            **{f"conversions_{window}": _text(counts[window]) for window in WINDOWS},
        }

    def _by_window(
        self, actions: Sequence[Mapping[str, Any]] | None, absent: Decimal | None
    ) -> dict[str, Decimal | None]:
        """The sums of the actions that are conversions; Meta leaves out a window without any."""
        counted = self._counted(actions)
        if not counted:
            return dict.fromkeys(WINDOWS, absent)
        return {
            window: sum((Decimal(it.get(window, 0)) for it in counted), Decimal(0))
            for window in WINDOWS
        }

    def _counted(self, actions: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
        return [it for it in actions or () if it["action_type"] in self._source.conversions]

    def _credited(self, by_window: Mapping[str, Decimal | None]) -> str | None:
        """The sum of the windows in which actions count."""
        total = Decimal(0)
        for window in self._source.attribution:
            found = by_window[window]
            if found is None:
                return None
            total += found
        return str(total)


def _is_elsewhere(action: Mapping[str, Any]) -> bool:
    """Whether an action counts by its ad set's own windows, and in none of WINDOWS.

    The longest window after a click has those of the shorter ones.
    """
    clicks = max(Decimal(action.get(window, 0)) for window in CLICK_WINDOWS)
    views = sum(Decimal(action.get(window, 0)) for window in VIEW_WINDOWS)
    return Decimal(action.get("value", 0)) > clicks + views


def _campaign(account: Account, found: Mapping[str, Any]) -> Row:
    zone = ZoneInfo(account.timezone)
    return {
        "source_id": found["id"],
        "name": found.get("name"),
        "status": found.get("effective_status"),
        "kind": found.get("objective"),
        "started_on": _day(found.get("start_time"), zone),
        "ended_on": _day(found.get("stop_time"), zone, is_end=True),
        "budget": _budget(found.get("lifetime_budget"), account.currency),
        "daily_budget": _budget(found.get("daily_budget"), account.currency),
    }


def _day(moment: str | None, zone: ZoneInfo, is_end: bool = False) -> str | None:
    """The account's day of a moment; what ends at midnight has the day before as its last.

    Where there is none Meta may tell the moment 0, which is a day of 1969 or 1970.
    """
    at = dt.datetime.fromisoformat(moment).astimezone(zone) if moment else None
    if at is None or at.year <= 1970:
        return None
    return f"{(at - dt.timedelta(seconds=1) if is_end else at).date()}"


def _budget(minor: str | None, currency: str) -> str | None:
    """Units of the currency; 0 is no budget at all."""
    if not minor or int(minor) == 0:
        return None
    return str(Decimal(minor) / (1 if currency in WITHOUT_CENTS else 100))


def _status(number: int | None) -> str | None:
    return None if number is None else STATUSES.get(number, str(number))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
