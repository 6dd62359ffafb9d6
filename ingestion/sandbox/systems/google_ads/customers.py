"""The accounts that the access shows: a manager, those under it, and what each of them has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ingestion.sandbox.systems.advertisers import Ad, Advertiser, Campaign, advertisers
from ingestion.sandbox.systems.google_ads.plan import Value
from ingestion.sandbox.world.ad_accounts import GOOGLE_MANAGER
from ingestion.sandbox.world.calendar import day_of
from ingestion.sandbox.world.store import State

PLATFORM = "google_ads"
CLOSED = "7301000003"
"""An account that was closed long ago: still listed under the manager, and not to be queried."""
DIRECT = (GOOGLE_MANAGER, "7301000001")
"""Accounts that the user is in; the others are reached through the manager alone."""
BUDGETS = 5_000_000_000
"""A budget's id is its campaign's and this."""
REMOVED_DAYS, REMOVED_EVERY = 90, 5
"""Of campaigns that ended so many days ago, one in so many has been removed by now."""
MICROS = 10_000
"""In a hundredth of a currency's unit."""
Values = dict[str, Value]


@dataclass(frozen=True)
class Customer:
    """A customer account. A manager has no campaigns; nor has one that is not enabled."""

    id: str
    name: str
    currency: str
    timezone: str
    status: str = "ENABLED"
    advertiser: Advertiser | None = None

    @property
    def is_manager(self) -> bool:
        """Whether it manages others."""
        return self.id == GOOGLE_MANAGER

    @property
    def values(self) -> Values:
        """Fields of `customer`."""
        return {
            "resource_name": f"customers/{self.id}", "id": int(self.id),
            "descriptive_name": self.name, "currency_code": self.currency,
            "time_zone": self.timezone, "manager": self.is_manager, "test_account": False,
            "auto_tagging_enabled": not self.is_manager, "status": self.status,
        }  # fmt: skip

    def seen_from(self, other: Customer) -> Values:
        """Fields of `customer_client`, as another customer, or itself, sees it."""
        return {
            "resource_name": f"customers/{other.id}/customerClients/{self.id}",
            "client_customer": f"customers/{self.id}", "hidden": False,
            "level": int(other.id != self.id), "time_zone": self.timezone, "test_account": False,
            "manager": self.is_manager, "descriptive_name": self.name,
            "currency_code": self.currency, "id": int(self.id), "status": self.status,
        }  # fmt: skip

    @cached_property
    def campaigns(self) -> Mapping[int, Values]:
        """Fields of `campaign`, by row of the world."""
        advertiser = self.advertiser
        if advertiser is None:
            return {}
        return {
            row: _campaign(self.id, campaign, advertiser.today)
            for row, campaign in advertiser.campaigns.items()
        }

    @cached_property
    def budgets(self) -> Mapping[int, Values]:
        """Fields of `campaign_budget`, by row of the campaign."""
        campaigns = self.advertiser.campaigns if self.advertiser else {}
        return {row: _budget(self.id, campaign) for row, campaign in campaigns.items()}

    @cached_property
    def groups(self) -> Mapping[str, Values]:
        """Fields of `ad_group`, by id."""
        return {ad.group: _group(self.id, ad, self._campaign(ad)) for ad in self._ads()}

    @cached_property
    def ads(self) -> Mapping[int, Values]:
        """Fields of `ad_group_ad`, by row of the world; deleted ads are not among them."""
        return {ad.row: _ad(self.id, ad) for ad in self._ads()}

    def _ads(self) -> Iterator[Ad]:
        yield from self.advertiser.ads.values() if self.advertiser else ()

    def _campaign(self, ad: Ad) -> str:
        assert self.advertiser is not None
        return self.advertiser.campaigns[ad.campaign].id


def customers(state: State, forbidden: tuple[str, ...]) -> Mapping[str, Customer]:
    """The accounts that the access shows, by id; a manager that it does not show hides its own."""
    found = [Customer(GOOGLE_MANAGER, "All accounts", "USD", "UTC")]
    found += [
        Customer(key, own.account.name, own.account.currency, own.account.timezone, advertiser=own)
        for key, own in advertisers(state, PLATFORM).items()
    ]
    found.append(Customer(CLOSED, "Former brand", "USD", "UTC", "CANCELED"))
    return {each.id: each for each in found if each.id not in forbidden}


def _campaign(customer: str, campaign: Campaign, today: int) -> Values:
    has_ended = campaign.last_day < today
    state = "ENDED" if has_ended else "ELIGIBLE"
    is_removed = campaign.last_day < today - REMOVED_DAYS and not campaign.row % REMOVED_EVERY
    if campaign.started_on > today:
        state = "PENDING"
    serving = {"ENDED": "ENDED", "PENDING": "PENDING", "ELIGIBLE": "SERVING"}[state]
    ended_on = campaign.ended_on
    return {
        "resource_name": f"customers/{customer}/campaigns/{campaign.id}", "id": int(campaign.id),
        "name": campaign.name, "status": "REMOVED" if is_removed else "ENABLED",
        "serving_status": "NONE" if is_removed else serving,
        "primary_status": "REMOVED" if is_removed else state,
        "advertising_channel_type": "PERFORMANCE_MAX" if campaign.is_pmax else "SEARCH",
        "bidding_strategy_type": "MAXIMIZE_CONVERSIONS", "payment_mode": "CLICKS",
        "campaign_budget": _budget_name(customer, campaign),
        "start_date_time": f"{day_of(campaign.started_on)} 00:00:00",
        "end_date_time": None if ended_on is None else f"{day_of(ended_on)} 23:59:59",
    }  # fmt: skip


def _budget_name(customer: str, campaign: Campaign) -> str:
    return f"customers/{customer}/campaignBudgets/{int(campaign.id) + BUDGETS}"


def _budget(customer: str, campaign: Campaign) -> Values:
    """A budget for a campaign's life; one that has none spends without a bound by day."""
    total = None if campaign.budget is None else campaign.budget * MICROS
    return {
        "resource_name": _budget_name(customer, campaign), "id": int(campaign.id) + BUDGETS,
        "name": f"Budget of {campaign.name}", "amount_micros": None,
        "total_amount_micros": total, "period": "CUSTOM_PERIOD", "delivery_method": "STANDARD",
        "explicitly_shared": False, "reference_count": 1, "status": "ENABLED",
        "type": "STANDARD",
    }  # fmt: skip


def _group(customer: str, ad: Ad, campaign: str) -> Values:
    return {
        "resource_name": f"customers/{customer}/adGroups/{ad.group}", "id": int(ad.group),
        "name": ad.group_name, "status": "ENABLED",
        "campaign": f"customers/{customer}/campaigns/{campaign}", "type": "SEARCH_STANDARD",
    }  # fmt: skip


def _ad(customer: str, ad: Ad) -> Values:
    return {
        "resource_name": f"customers/{customer}/adGroupAds/{ad.group}~{ad.id}",
        "status": "ENABLED", "ad_group": f"customers/{customer}/adGroups/{ad.group}",
        "ad.resource_name": f"customers/{customer}/ads/{ad.id}", "ad.id": int(ad.id),
        "ad.name": ad.name, "ad.type": "RESPONSIVE_SEARCH_AD",
    }  # fmt: skip
