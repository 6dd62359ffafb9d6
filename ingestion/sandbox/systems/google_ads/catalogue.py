"""What can be asked for: the fields of each resource, metrics and segments, and what goes together.

A part of https://developers.google.com/google-ads/api/fields/v26/overview. A field that is not
here is one that the API does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "resource", "enum", "bool", "day", "moment", "count", "year", "share"]
"""Of `id` and `count` JSON has text, since they are of 64 bits; of `year` and `share` numbers."""


@dataclass(frozen=True)
class Field:
    """A field: what its values are, and of an enum, which."""

    kind: Kind
    values: tuple[str, ...] = ()


def _enum(names: str) -> Field:
    return Field("enum", ("UNSPECIFIED", "UNKNOWN", *names.split()))


ID, TEXT, NAME, BOOL = Field("id"), Field("text"), Field("resource"), Field("bool")
DAY, MOMENT, COUNT, SHARE = Field("day"), Field("moment"), Field("count"), Field("share")
CUSTOMER_STATUS = _enum("ENABLED CANCELED SUSPENDED CLOSED")
STATUS = _enum("ENABLED PAUSED REMOVED")
CHANNEL = _enum(
    "SEARCH DISPLAY SHOPPING HOTEL VIDEO MULTI_CHANNEL LOCAL SMART PERFORMANCE_MAX LOCAL_SERVICES "
    "TRAVEL DEMAND_GEN"
)
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

RESOURCES: Mapping[str, Mapping[str, Field]] = {
    "customer": {
        "resource_name": NAME, "id": ID, "descriptive_name": TEXT, "currency_code": TEXT,
        "time_zone": TEXT, "manager": BOOL, "test_account": BOOL, "auto_tagging_enabled": BOOL,
        "status": CUSTOMER_STATUS,
    },
    "customer_client": {
        "resource_name": NAME, "client_customer": NAME, "hidden": BOOL, "level": COUNT,
        "time_zone": TEXT, "test_account": BOOL, "manager": BOOL, "descriptive_name": TEXT,
        "currency_code": TEXT, "id": ID, "status": CUSTOMER_STATUS,
    },
    "campaign": {
        "resource_name": NAME, "id": ID, "name": TEXT, "status": STATUS,
        "serving_status": _enum("SERVING NONE ENDED PENDING SUSPENDED"),
        "primary_status": _enum(
            "ELIGIBLE PAUSED REMOVED ENDED PENDING MISCONFIGURED LIMITED LEARNING NOT_ELIGIBLE"
        ),
        "advertising_channel_type": CHANNEL,
        "bidding_strategy_type": _enum("MANUAL_CPC MAXIMIZE_CONVERSIONS TARGET_CPA"),
        "payment_mode": _enum("CLICKS CONVERSION_VALUE CONVERSIONS GUEST_STAY"),
        "campaign_budget": NAME, "start_date_time": MOMENT, "end_date_time": MOMENT,
    },
    "campaign_budget": {
        "resource_name": NAME, "id": ID, "name": TEXT, "amount_micros": COUNT,
        "total_amount_micros": COUNT, "period": _enum("DAILY CUSTOM_PERIOD"),
        "delivery_method": _enum("STANDARD ACCELERATED"), "explicitly_shared": BOOL,
        "reference_count": COUNT, "status": _enum("ENABLED REMOVED"),
        "type": _enum("STANDARD FIXED_CPA SMART_CAMPAIGN LOCAL_SERVICES"),
    },
    "ad_group": {
        "resource_name": NAME, "id": ID, "name": TEXT, "status": STATUS, "campaign": NAME,
        "type": _enum("SEARCH_STANDARD DISPLAY_STANDARD"),
    },
    "ad_group_ad": {
        "resource_name": NAME, "status": STATUS, "ad_group": NAME, "ad.resource_name": NAME,
        "ad.id": ID, "ad.name": TEXT, "ad.type": _enum("TEXT_AD RESPONSIVE_SEARCH_AD"),
    },
}  # fmt: skip
ATTRIBUTED: Mapping[str, tuple[str, ...]] = {
    "customer": (),
    "customer_client": ("customer",),
    "campaign": ("customer", "campaign_budget"),
    "campaign_budget": ("customer", "campaign"),
    "ad_group": ("customer", "campaign"),
    "ad_group_ad": ("customer", "campaign", "ad_group"),
}
"""Of each resource that a query may be FROM, those whose fields it may select beside its own."""
WITHOUT_METRICS = ("customer_client",)
METRICS: Mapping[str, Field] = {
    "impressions": COUNT, "clicks": COUNT, "interactions": COUNT, "cost_micros": COUNT,
    "conversions": SHARE, "conversions_value": SHARE, "all_conversions": SHARE,
    "all_conversions_value": SHARE, "view_through_conversions": COUNT, "ctr": SHARE,
    "average_cpc": SHARE, "average_cpm": SHARE, "cost_per_conversion": SHARE,
}  # fmt: skip
SEGMENTS: Mapping[str, Field] = {
    "date": DAY, "week": DAY, "month": DAY, "quarter": DAY, "year": Field("year"),
    "day_of_week": _enum(" ".join(DAYS)),
}  # fmt: skip
CORE_DATES = ("segments.date", "segments.week", "segments.month", "segments.quarter",
              "segments.year")  # fmt: skip
FINE_DATES = ("segments.date", "segments.week", "segments.day_of_week")
"""Those that are had of the last 37 months alone."""

_SPANS = ("=", ">", ">=", "<", "<=", "BETWEEN")
_SIZES = (*_SPANS, "!=")
_EXACT = ("=", "!=", "IN", "NOT IN")
_NULLS = ("IS NULL", "IS NOT NULL")
_TEXTS = ("LIKE", "NOT LIKE", "REGEXP_MATCH", "NOT REGEXP_MATCH")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    "id": (*_SIZES, *_EXACT, *_NULLS), "count": (*_SIZES, *_EXACT, *_NULLS),
    "day": (*_SPANS, "DURING"), "year": _SPANS,
    "share": (*_SIZES, *_NULLS), "text": (*_EXACT, *_TEXTS, *_NULLS),
    "resource": (*_EXACT, *_NULLS), "enum": (*_EXACT, *_NULLS), "bool": ("=", "!=", *_NULLS),
    "moment": (*_SIZES, *_NULLS),
}  # fmt: skip


def field(name: str) -> Field | None:
    """A field of a resource, a metric or a segment, by its whole name; none where there is none."""
    root, _, rest = name.partition(".")
    known = {"metrics": METRICS, "segments": SEGMENTS, **RESOURCES}.get(root)
    return None if known is None else known.get(rest)


def camel(name: str) -> str:
    """A name as JSON has it: `costMicros`."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
