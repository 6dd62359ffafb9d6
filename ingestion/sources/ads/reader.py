"""What a connector gives: a platform's accounts, and what it has of each and of days of it."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingestion.loading.restated import Window

Row = Mapping[str, Any]
"""A row by column of its raw table. Values are numbers, texts of numbers or days (2026-03-01),
booleans; None where nothing is known. Decimals that must be exact are texts."""


@dataclass(frozen=True)
class Account:
    """An account that the access shows.

    `is_readable` is false where it is shown and has no figures to ask for now: closed, suspended.
    A manager account, which has none ever, is not among them.
    """

    id: str
    name: str | None
    currency: str
    timezone: str
    status: str | None = None
    manager: str | None = None
    is_readable: bool = True


@dataclass(frozen=True)
class Listing:
    """All accounts that the access shows, and when by the server's clock (naive UTC)."""

    accounts: Sequence[Account]
    at: dt.datetime


class AdsReader(ABC):
    """One platform, as one source reads it; several threads may ask for different things.

    What cannot be read is a SourceError with the remedy. Days and figures are handed on as the
    platform has them: `extraction` makes ids, types and rejects, leaves out rows that come twice
    (two that differ are an error), and compares.
    """

    way_in: str
    """How access to an account is given, as a remedy: "invite … in Google Ads under Admin"."""

    @property
    @abstractmethod
    def asked(self) -> object:
        """What figures depend on beside account and day, as JSON can say it.

        The version of the API, the query, the attribution. Where it is another, all days are read
        anew.
        """

    @abstractmethod
    def listing(self) -> Listing:
        """The accounts, all of them whatever company.yml names."""

    @abstractmethod
    def campaigns(self, account: Account) -> Iterator[Sequence[Row]]:
        """All campaigns of an account, removed ones included, in pages.

        Rows have `source_id` (the campaign's id), `name`, `status`, `kind`, `started_on`,
        `ended_on`, `budget`, `daily_budget`. The rest is added to them.
        """

    @abstractmethod
    def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """What each campaign came to on each day of a window, in pages: all, or SourceError.

        Rows have `campaign`, `day`, the figures (spend, impressions, clicks, conversions,
        conversion_value) and, where it was asked for, `attribution`; `source_id`, `account`,
        `currency`, `is_partial` are added. Days without figures have no row. How a window is
        sliced is the reader's business; a slice that is asked for again must not be handed on twice
        where it may come otherwise.
        """

    @abstractmethod
    def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """What each ad came to on each day of a window, as `campaign_days`.

        Rows have `ad`, `ad_group` (None where there are no groups), `name` and `ad_group_name`,
        too.
        """

    @abstractmethod
    def account_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """What the account as a whole cost on each day of a window: rows of `day` and `spend`.

        All that it has is in it, whatever lists and reports by campaign leave out. What campaigns
        come to is compared with it, and it is not kept.
        """

    def earliest(self, today: dt.date) -> dt.date | None:
        """The first day of which the platform still tells, on a day; None: it tells of all."""
        return None

    def warnings(self) -> Iterable[str]:
        """What else deserves a look, once all is read."""
        return ()

    @abstractmethod
    def stop(self) -> None:
        """Let no request begin any more: another one failed."""
