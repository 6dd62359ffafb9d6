"""Accounts, campaigns and creatives as the API has them, and which of them a search wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ingestion.sandbox.systems.advertisers import Ad, Advertiser, Campaign, advertisers
from ingestion.sandbox.systems.linkedin_ads.errors import ParameterError
from ingestion.sandbox.systems.linkedin_ads.restli import Value
from ingestion.sandbox.world.store import State

PLATFORM = "linkedin_ads"
DAY_MS = 86_400_000
GROUPS = 600_000_000
"""The one campaign group of an account has its number and this."""
STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "COMPLETED", "CANCELED", "DRAFT",
            "PENDING_DELETION", "REMOVED")  # fmt: skip
ORGANIZATION = "urn:li:organization:2414183"
MEMBER = "urn:li:person:fGcyYDdglZ"
Document = dict[str, Any]


def urn(kind: str, key: object) -> str:
    """A name of an object: `urn:li:sponsoredCampaign:1`."""
    return f"urn:li:{kind}:{key}"


def key_of(value: Value, kind: str, name: str) -> str:
    """The id in the name of an object, as a parameter gives it. Raises ParameterError."""
    begin = urn(kind, "")
    if not isinstance(value, str) or not value.startswith(begin) or not value[len(begin) :]:
        raise ParameterError(name)
    return value[len(begin) :]


@dataclass(frozen=True)
class Account:
    """An account and what is in it, as documents by id."""

    advertiser: Advertiser

    @property
    def id(self) -> str:
        """Its id, as text."""
        return self.advertiser.account.id

    @property
    def urn(self) -> str:
        """Its name."""
        return urn("sponsoredAccount", self.id)

    @cached_property
    def document(self) -> Document:
        """The account. LinkedIn tells no time zone: its days are those of UTC."""
        account, since = self.advertiser.account, self._since
        return {
            "test": False, "notifiedOnCreativeRejection": True,
            "notifiedOnNewFeaturesEnabled": False, "notifiedOnEndOfCampaign": True,
            "servingStatuses": ["RUNNABLE"], "notifiedOnCampaignOptimization": True,
            "type": "BUSINESS", "version": {"versionTag": "6"}, "reference": ORGANIZATION,
            "notifiedOnCreativeApproval": True, "changeAuditStamps": _stamps(since, since),
            "name": account.name, "currency": account.currency, "id": int(self.id),
            "status": "ACTIVE",
        }  # fmt: skip

    @cached_property
    def campaigns(self) -> Mapping[str, Document]:
        """Its campaigns."""
        return {each.id: self._campaign(each) for each in self.advertiser.campaigns.values()}

    @cached_property
    def creatives(self) -> Mapping[str, Document]:
        """Its ads; one that was deleted is canceled, and so in no list."""
        return {each.id: self._creative(each) for each in self.advertiser.ads.values()}

    @property
    def _since(self) -> int:
        days = [each.started_on for each in self.advertiser.campaigns.values()]
        return min(days, default=self.advertiser.today) * DAY_MS

    @property
    def group(self) -> str:
        """The name of its campaign group."""
        return urn("sponsoredCampaignGroup", int(self.id) + GROUPS)

    def _campaign(self, campaign: Campaign) -> Document:
        today, currency = self.advertiser.today, self.advertiser.account.currency
        has_ended = campaign.last_day < today
        start, changed = campaign.started_on * DAY_MS, campaign.changed_at // 1_000
        schedule: dict[str, int] = {"start": start}
        if campaign.ended_on is not None:
            schedule["end"] = (campaign.ended_on + 1) * DAY_MS
        budget = (
            {} if campaign.budget is None
            else {"totalBudget": {"currencyCode": currency, "amount": money(campaign.budget)}}
        )  # fmt: skip
        return {
            "storyDeliveryEnabled": False, "pacingStrategy": "LIFETIME",
            "locale": {"country": "US", "language": "en"}, "type": "SPONSORED_UPDATES",
            "optimizationTargetType": "MAX_CLICK", "runSchedule": schedule, "costType": "CPM",
            "creativeSelection": "OPTIMIZED", "offsiteDeliveryEnabled": False,
            "id": int(campaign.id), "audienceExpansionEnabled": False, "test": False,
            "format": "STANDARD_UPDATE", **budget,
            "servingStatuses": ["CAMPAIGN_END_DATE_HOLD", "STOPPED"] if has_ended
            else ["CAMPAIGN_START_DATE_HOLD"] if campaign.started_on > today else ["RUNNABLE"],
            "version": {"versionTag": "3"}, "objectiveType": "WEBSITE_CONVERSION",
            "associatedEntity": ORGANIZATION, "campaignGroup": self.group,
            "unitCost": {"currencyCode": currency, "amount": "0"}, "name": campaign.name,
            "changeAuditStamps": _stamps(min(start, changed), changed), "account": self.urn,
            "politicalIntent": "NOT_POLITICAL",
            "status": "COMPLETED" if has_ended else "ACTIVE",
        }  # fmt: skip

    def _creative(self, ad: Ad) -> Document:
        campaign = self.advertiser.campaigns[ad.campaign]
        has_ended = campaign.last_day < self.advertiser.today
        start = campaign.started_on * DAY_MS
        held = {"servingHoldReasons": ["CAMPAIGN_END_DATE_HOLD", "CAMPAIGN_STOPPED"]}
        return {
            **(held if has_ended else {}), "lastModifiedAt": start, "lastModifiedBy": MEMBER,
            "content": {"reference": urn("share", 7_000_000_000_000_000_000 + ad.row)},
            "createdAt": start, "isTest": False, "createdBy": MEMBER,
            "review": {"status": "APPROVED"}, "isServing": not has_ended, "name": ad.name,
            "campaign": urn("sponsoredCampaign", campaign.id),
            "id": urn("sponsoredCreative", ad.id), "intendedStatus": "ACTIVE",
            "account": self.urn,
        }  # fmt: skip


def accounts(state: State, forbidden: tuple[str, ...]) -> Mapping[str, Account]:
    """The accounts that the member has a role in, by id."""
    return {
        key: Account(each)
        for key, each in advertisers(state, PLATFORM).items()
        if key not in forbidden
    }


def money(hundredths: int) -> str:
    """An amount as LinkedIn writes it: without zeros at its end."""
    whole, rest = divmod(abs(hundredths), 100)
    text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return f"-{text}" if hundredths < 0 else text


def wanted(search: Value | None, of: Mapping[str, str]) -> Callable[[Document], bool]:
    """What `search` asks of documents: one of some values in each of its fields.

    `of` says which field of a document each of its own is; ids may be names. Raises
    ParameterError.
    """
    tests: list[tuple[str, list[str] | bool]] = []
    if search is not None and not isinstance(search, dict):
        raise ParameterError("search")
    for name, asked in (search or {}).items():
        if name == "test" and asked in ("true", "false"):
            tests.append((name, asked == "true"))
            continue
        values = asked.get("values") if isinstance(asked, dict) and len(asked) == 1 else None
        if name not in of or not isinstance(values, list):
            raise ParameterError(f"search.{name}")
        texts = [str(value) for value in values]
        if name == "id":
            texts = [text.rpartition(":")[2] for text in texts]
        if name == "status" and not set(texts) <= set(STATUSES):
            raise ParameterError("search.status.values")
        tests.append((of[name], texts))
    return lambda document: all(
        document[field] is values if isinstance(values, bool) else str(document[field]) in values
        for field, values in tests
    )


def _stamps(created: int, changed: int) -> Document:
    return {
        "created": {"actor": MEMBER, "time": created},
        "lastModified": {"actor": "urn:li:unknown:0", "time": changed},
    }
