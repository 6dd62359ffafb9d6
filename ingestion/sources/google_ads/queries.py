"""What is asked of Google Ads, in its query language."""

from __future__ import annotations

import datetime as dt

VERSION = 1
"""Goes up when the reports are asked for otherwise: all days are then read again."""

CLIENTS = (
    "SELECT customer_client.id, customer_client.descriptive_name, customer_client.currency_code, "
    "customer_client.time_zone, customer_client.manager, customer_client.status "
    "FROM customer_client"
)
"""The accounts below a manager account, itself among them, at whatever depth."""

CUSTOMER = (
    "SELECT customer.id, customer.descriptive_name, customer.currency_code, customer.time_zone, "
    "customer.manager, customer.status FROM customer"
)
"""An account itself."""

CAMPAIGNS = (
    "SELECT campaign.id, campaign.name, campaign.status, campaign.advertising_channel_type, "
    "campaign.start_date_time, campaign.end_date_time, campaign_budget.amount_micros, "
    "campaign_budget.total_amount_micros FROM campaign"
)
"""The campaigns of an account, removed ones among them."""

_FIGURES = (
    "segments.date, metrics.cost_micros, metrics.impressions, metrics.clicks, "
    "metrics.conversions, metrics.conversions_value"
)


def campaign_days(since: dt.date, until: dt.date) -> str:
    """What each campaign did on each day of a range."""
    return f"SELECT campaign.id, {_FIGURES} FROM campaign WHERE {_within(since, until)}"


def ad_days(since: dt.date, until: dt.date) -> str:
    """What each ad did on each day of a range; Performance Max has none."""
    return (
        "SELECT campaign.id, ad_group.id, ad_group.name, ad_group_ad.ad.id, ad_group_ad.ad.name, "
        f"{_FIGURES} FROM ad_group_ad WHERE {_within(since, until)}"
    )


def account_days(since: dt.date, until: dt.date) -> str:
    """What an account cost on each day of a range, whatever campaigns it has."""
    return f"SELECT segments.date, metrics.cost_micros FROM customer WHERE {_within(since, until)}"


def _within(since: dt.date, until: dt.date) -> str:
    return f"segments.date BETWEEN '{since}' AND '{until}'"
