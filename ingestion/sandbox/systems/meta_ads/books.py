"""What the advertiser has at Meta: accounts, campaigns, ad sets, ads, and their figures by day."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from ingestion.sandbox.systems.meta_ads.actions import split
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS, AdAccount
from ingestion.sandbox.world.calendar import Ints, add_months
from ingestion.sandbox.world.render import ad_names
from ingestion.sandbox.world.schema import (
    PLATFORMS,
)

PLATFORM = "meta_ads"
Document = dict[str, Any]
ARCHIVED_DAYS = 200
"""The marketers archive campaigns so long after their end."""
OBJECTIVES = ("OUTCOME_LEADS", "OUTCOME_SALES", "OUTCOME_TRAFFIC")
WITHOUT_LEADS = 3
"""Of every so many campaigns one tells of no leads at campaign level, though its ads do."""
END_OF_DAY = dt.time(23, 59, 59)
CAMPAIGN_STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "IN_PROCESS", "WITH_ISSUES")
AD_STATUSES = (
    "ACTIVE", "PAUSED", "DELETED", "PENDING_REVIEW", "DISAPPROVED", "PREAPPROVED",
    "PENDING_BILLING_INFO", "CAMPAIGN_PAUSED", "ARCHIVED", "ADSET_PAUSED", "IN_PROCESS",
    "WITH_ISSUES",
)  # fmt: skip
FIGURES = ("spend", "impressions", "clicks", "conversions", "conversion_value")


KEPT_MONTHS = 37
"""Insights are kept so long."""


@dataclass(frozen=True)
class Campaign:
    """A campaign as it is now. Days are the account's; the budget is in hundredths."""

    id: str
    account: AdAccount
    name: str
    started_on: dt.date
    ended_on: dt.date | None
    budget: int
    updated_at: dt.datetime
    status: str
    objective: str
    has_leads: bool
    """Whether its leads are told at its own level, and not only at that of its ads."""

    def document(self) -> Document:
        """All fields that are served."""
        zone = ZoneInfo(self.account.timezone)
        started = dt.datetime.combine(self.started_on, dt.time(), zone)
        found: Document = {
            "id": self.id,
            "account_id": self.account.id,
            "name": self.name,
            "status": self.status,
            "configured_status": self.status,
            "effective_status": self.status,
            "objective": self.objective,
            "buying_type": "AUCTION",
            "special_ad_categories": [],
            "lifetime_budget": str(self.budget),
            "start_time": _time(started),
            "created_time": _time(started - dt.timedelta(hours=9)),
            "updated_time": _time(self.updated_at.replace(tzinfo=dt.UTC).astimezone(zone)),
        }
        if self.ended_on is not None:
            found["stop_time"] = _time(dt.datetime.combine(self.ended_on, END_OF_DAY, zone))
        return found


CAMPAIGN_FIELDS = (
    "id", "account_id", "name", "status", "configured_status", "effective_status", "objective",
    "buying_type", "special_ad_categories", "lifetime_budget", "daily_budget", "start_time",
    "stop_time", "created_time", "updated_time",
)  # fmt: skip
ACCOUNT_FIELDS = (
    "id", "account_id", "name", "account_status", "currency", "timezone_name",
    "timezone_offset_hours_utc",
)  # fmt: skip


@dataclass(frozen=True)
class Ad:
    """An ad as it is now."""

    id: str
    name: str
    adset_id: str
    adset_name: str
    campaign: Campaign
    is_deleted: bool

    @property
    def effective_status(self) -> str:
        """Whether it can be shown: what is below a paused or archived campaign is so, too."""
        if self.is_deleted:
            return "DELETED"
        return "CAMPAIGN_PAUSED" if self.campaign.status == "PAUSED" else self.campaign.status


def _time(moment: dt.datetime) -> str:
    """A moment as Meta writes it: by the account's clock."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


class Books:
    """The world as an advertiser at Meta sees it. Build a new one when the world has changed."""

    def __init__(self, world: World) -> None:
        self.now = world.now
        self._world, self._state = world, world.state
        self.accounts: Mapping[str, AdAccount] = {
            account.id: account for account in AD_ACCOUNTS if account.platform == PLATFORM
        }

    def account_document(self, account: AdAccount) -> Document:
        """All fields of an account that are served."""
        offset = self.now.astimezone(ZoneInfo(account.timezone)).utcoffset()
        return {
            "id": f"act_{account.id}",
            "account_id": account.id,
            "name": account.name,
            "account_status": 1,
            "currency": account.currency,
            "timezone_name": account.timezone,
            "timezone_offset_hours_utc": (offset or dt.timedelta()).total_seconds() / 3600,
        }

    def today(self, account: AdAccount) -> dt.date:
        """The day that the account's clock shows."""
        return self.now.astimezone(ZoneInfo(account.timezone)).date()

    def began(self, account: AdAccount) -> dt.date:
        """The first day of which insights are kept: 37 months ago."""
        today = self.today(account)
        month = add_months(today.replace(day=1), -KEPT_MONTHS)
        return month.replace(day=min(today.day, monthrange(month.year, month.month)[1]))

    @cached_property
    def campaign_of(self) -> Mapping[int, Campaign]:
        """Campaigns by their row in the world, the oldest first."""
        store = self._state["campaigns"]
        rows = np.flatnonzero(store["platform"] == PLATFORMS.index(PLATFORM))
        table = self._world.table("campaigns", rows).to_pylist()
        return {
            row: self._campaign(row, told, nth)
            for nth, (row, told) in enumerate(zip(rows.tolist(), table, strict=True))
        }

    def campaigns(self, account: AdAccount) -> list[Campaign]:
        """The campaigns of an account, the newest first."""
        return [c for c in [*self.campaign_of.values()][::-1] if c.account == account]

    def rows_of(self, account: AdAccount, campaign_id: str | None = None) -> Ints:
        """Rows of an account's campaigns in the world, or of one of them."""
        found = self.campaign_of.items()
        return np.array(
            [r for r, c in found if c.account == account and campaign_id in (None, c.id)], np.int64
        )

    @cached_property
    def ad_of(self) -> Mapping[int, Ad]:
        """Ads by their row in the world."""
        store = self._state["ads"]
        rows = np.flatnonzero(np.isin(store["campaign_id"], list(self.campaign_of)))
        names = {name: found.to_pylist() for name, found in ad_names(self._state, rows).items()}
        return {
            row: Ad(
                id=names["id"][place],
                name=names["name"][place],
                adset_id=names["ad_group"][place],
                adset_name=names["ad_group_name"][place],
                campaign=self.campaign_of[int(store["campaign_id"][row])],
                is_deleted=bool(store["is_deleted"][row]),
            )
            for place, row in enumerate(rows.tolist())
        }

    @cached_property
    def first_of_adset(self) -> Mapping[int, int]:
        """The row of the first ad of each ad's set, by the ad's row."""
        first: dict[str, int] = {}
        return {row: first.setdefault(ad.adset_id, row) for row, ad in self.ad_of.items()}

    def passing(self, field: str, holds: Callable[[str], bool]) -> Ints:
        """Rows of the campaigns, or of the ads, of which a field's value holds."""
        kind, _, name = field.partition(".")
        of_campaigns: dict[str, Callable[[Campaign], str]] = {
            "id": lambda campaign: campaign.id, "effective_status": lambda found: found.status,
        }  # fmt: skip
        of_ads: dict[str, Callable[[Ad], str]] = {
            "ad.id": lambda ad: ad.id, "ad.effective_status": lambda ad: ad.effective_status,
            "adset.id": lambda ad: ad.adset_id,
        }  # fmt: skip
        if kind == "campaign":
            value = of_campaigns[name]
            return np.array([r for r, c in self.campaign_of.items() if holds(value(c))], np.int64)
        value_of = of_ads[field]
        return np.array([row for row, ad in self.ad_of.items() if holds(value_of(ad))], np.int64)

    def _campaign(self, row: int, told: Mapping[str, Any], nth: int) -> Campaign:
        account = AD_ACCOUNTS[int(self._state["campaigns"]["ad_account"][row])]
        ended = told["ended_on"]
        since = (self.today(account) - ended).days if ended else 0
        status = "ARCHIVED" if since > ARCHIVED_DAYS else "PAUSED" if since > 0 else "ACTIVE"
        return Campaign(
            id=told["source_id"],
            account=account,
            name=told["name"],
            started_on=told["started_on"],
            ended_on=ended,
            budget=int(told["budget"].scaleb(2)),
            updated_at=told["source_updated_at"],
            status=status,
            objective=OBJECTIVES[nth % len(OBJECTIVES)],
            has_leads=nth % WITHOUT_LEADS > 0,
        )

    @cached_property
    def figures(self) -> Mapping[str, Ints]:
        """What is known of each ad and day, as columns: the world's rows that are not deleted.

        `campaign` and `ad` are rows of the world's; an `ad` of NONE is what a campaign has beyond
        its ads.
        """
        store = self._state["spend_daily"]
        is_live = (store["platform"] == PLATFORMS.index(PLATFORM)) & (store["is_deleted"] == 0)
        rows = np.flatnonzero(is_live)
        found = {name: store[name][rows].astype(np.int64) for name in (*FIGURES, "day", "ad")}
        found["campaign"] = store["campaign_id"][rows].astype(np.int64)
        found["link_clicks"] = found["clicks"] * 9 // 10
        kind = found["ad"] + found["day"]
        return found | split(found["conversions"], found["conversion_value"], kind)
