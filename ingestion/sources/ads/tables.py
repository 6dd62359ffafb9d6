"""The tables of each platform's raw dataset: the same for all of them.

Money is in units of the account's currency, days are the account's. What is not known is NULL; what
a platform leaves out because it is zero is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import META_COLUMNS, Column
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS

ACCOUNT = Column("account", "text", "Id of the account.", required=True)
CAMPAIGN = Column("campaign", "text", "Id of the campaign.", required=True)
CURRENCY = Column("currency", "text", "The account's currency, in which amounts are: ISO 4217.")
DAY = Column("day", "date", "The day, in the account's time zone.", required=True)
AD_GROUP = Column(
    "ad_group", "text", "Id of the group that the ad is in, where the platform has groups."
)

ACCOUNTS = (
    Column("name", "text", "The account's name."),
    CURRENCY,
    Column("timezone", "text", "The time zone whose days the account's are, such as Asia/Tokyo."),
    Column("status", "text", "The platform's word for whether the account is in use."),
    Column("manager", "text", "Id of the manager account that it is read through, if any."),
)
CAMPAIGNS = (
    ACCOUNT,
    Column("name", "text", "The campaign's name.", required=True),
    Column("status", "text", "The platform's word for whether the campaign runs."),
    Column("kind", "text", "The platform's word for what kind of campaign it is."),
    Column("channel", "text", "The channel that company.yml gives to campaigns of that kind."),
    Column("started_on", "date", "Its first day, in the account's time zone."),
    Column("ended_on", "date", "Its last day, in the account's time zone, if it has one."),
    Column("budget", "money", "What it may cost over its whole life; none where that is daily."),
    Column("daily_budget", "money", "What it may cost a day; none where that is for its life."),
    CURRENCY,
)
ADS = (
    ACCOUNT,
    CAMPAIGN,
    AD_GROUP,
    Column("ad_group_name", "text", "Name of the group on the last day that was read of the ad."),
    Column("name", "text", "Name of the ad on the last day that was read of it."),
)
FIGURES = (
    CURRENCY,
    Column("spend", "money", "What the day cost; negative where more was credited.", required=True),
    Column("impressions", "integer", "How often ads were shown."),
    Column("clicks", "integer", "How often ads were clicked."),
    Column("conversions", "number", "Conversions that the platform ascribes to the day."),
    Column("conversion_value", "money", "What the platform takes those conversions to be worth."),
    Column(
        "attribution",
        "text",
        "The windows after a click or view in which conversions count, where they were asked for.",
    ),
)
IS_PARTIAL = Column(
    "is_partial", "boolean", "Whether the day had not ended when it was read.", required=True
)
EXPORTS = (
    *EXPORT_COLUMNS,
    Column(
        "windows",
        "text",
        "JSON by account: the first day ever read as it is asked for now, the account's day at the "
        "last load, and the one at the last long reading.",
    ),
)


def tables_with(*figures: Column) -> Mapping[str, tuple[Column, ...]]:
    """Columns of every table, where the days have these figures beside those of all platforms."""
    record = (*RECORD_COLUMNS, *META_COLUMNS)
    numbers = (*FIGURES, *figures, IS_PARTIAL)
    ad = Column("ad", "text", "Id of the ad.", required=True)
    return MappingProxyType(
        {
            "accounts": (*record, *ACCOUNTS),
            "campaigns": (*record, *CAMPAIGNS),
            "ads": (*record, *ADS),
            "campaign_days": (*record, ACCOUNT, CAMPAIGN, DAY, *numbers),
            "ad_days": (*record, ACCOUNT, CAMPAIGN, AD_GROUP, ad, DAY, *numbers),
            "rejected": REJECTED_COLUMNS,
            "exports": EXPORTS,
        }
    )


DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "accounts": "Accounts that the access shows, those that are not read included.",
        "campaigns": "Campaigns of the accounts that are read, removed ones included.",
        "ads": "What ads and their groups were called on the last day that was read of them.",
        "campaign_days": "What each campaign came to on each day, ads or no ads.",
        "ad_days": "What each ad came to on each day: parts of its campaign's day, not always all.",
        "rejected": "Rows that break the contract, kept whole, with the reason.",
        "exports": "One row per table and load: what was read, up to which day of each account.",
    }
)
