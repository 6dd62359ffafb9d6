"""What a plan answers: rows of a resource, with its figures by the segments that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ingestion.sandbox.systems.advertisers import chosen
from ingestion.sandbox.systems.google_ads.catalogue import DAYS, camel, field
from ingestion.sandbox.systems.google_ads.customers import MICROS, Customer, Values
from ingestion.sandbox.systems.google_ads.errors import QueryError
from ingestion.sandbox.systems.google_ads.plan import Plan, Value, segment_of
from ingestion.sandbox.world.advertising import FIGURES, Figures
from ingestion.sandbox.world.calendar import Ints, day_number, day_of

Row = dict[str, Value]
"""Values by the whole names of fields."""
Document = dict[str, Any]


def rows(customer: Customer, clients: Sequence[Customer], plan: Plan) -> list[Row]:
    """The rows that a plan answers, in its order. Raises QueryError where a manager has none."""
    if plan.is_report and customer.is_manager:
        raise QueryError(
            "REQUESTED_METRICS_FOR_MANAGER",
            "Metrics cannot be requested for a manager account. To retrieve metrics, issue "
            "separate requests against each client account under the manager account.",
        )
    found = _figured(customer, plan) if plan.is_report else _listed(customer, clients, plan)
    kept = [row for row in found if _passes(row, plan)]
    for name, is_falling in reversed(plan.query.order):
        kept.sort(key=lambda row: _sortable(row.get(name)), reverse=is_falling)
    return kept[: plan.query.limit]


def document(row: Row, plan: Plan) -> Document:
    """A row as JSON has it: nested, in camel case, what has no value left out.

    Of figures that are zero one half is told and the other left out, by day and field: proto3's
    JSON means the same by both.
    """
    shown: Document = {}
    names = [*plan.query.fields, *([] if plan.omits_names else _names(plan))]
    for name in dict.fromkeys(names):
        value = row.get(name)
        kind = field(name)
        assert kind is not None
        if value is None or (value == 0 and name.startswith("metrics.") and _is_silent(row, name)):
            continue
        *path, last = (camel(part) for part in name.split("."))
        inner = shown
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = str(value) if kind.kind in ("id", "count") else value
    return shown


def field_mask(plan: Plan) -> str:
    """The fields that are told, as JSON names them."""
    return ",".join(".".join(camel(part) for part in name.split(".")) for name in plan.query.fields)


def _names(plan: Plan) -> Iterator[str]:
    """Names of resources, which are told whether or not they are selected."""
    for resource in plan.resources:
        yield f"{resource}.resource_name"
    if any(name.startswith("ad_group_ad.ad.") for name in plan.query.fields):
        yield "ad_group_ad.ad.resource_name"


def _is_silent(row: Row, name: str) -> bool:
    return (_number_of(str(row.get("segments.date"))) + len(name)) % 2 == 1


def _number_of(text: str) -> int:
    """A number that follows from a text, the same in every process."""
    return sum(text.encode())


def _sortable(value: Value) -> tuple[bool, Any]:
    return value is not None, value


def _passes(row: Row, plan: Plan) -> bool:
    return all(test(row.get(name)) for name, tests in plan.tests.items() for test in tests)


def _whole(resource: str, values: Values) -> Row:
    return {f"{resource}.{name}": value for name, value in values.items()}


def _listed(customer: Customer, clients: Sequence[Customer], plan: Plan) -> list[Row]:
    """What there is of a resource, without figures."""
    if plan.query.resource == "customer_client":
        seen = clients if customer.is_manager else [customer]
        own = _whole("customer", customer.values)
        return [own | _whole("customer_client", each.seen_from(customer)) for each in seen]
    return list(_entities(customer, plan.query.resource).values())


def _entities(customer: Customer, resource: str) -> Mapping[Any, Row]:
    """The rows of a resource by key, with those of the resources above them."""
    own = _whole("customer", customer.values)
    if resource == "customer":
        return {0: own}
    campaigns = {
        row: own | _whole("campaign", values) | _whole("campaign_budget", customer.budgets[row])
        for row, values in customer.campaigns.items()
    }
    if resource in ("campaign", "campaign_budget") or customer.advertiser is None:
        return campaigns
    ads = customer.advertiser.ads
    groups = {
        ad.group: campaigns[ad.campaign] | _whole("ad_group", customer.groups[ad.group])
        for ad in ads.values()
    }
    if resource == "ad_group":
        return groups
    return {
        row: groups[ads[row].group] | _whole("ad_group_ad", values)
        for row, values in customer.ads.items()
    }


def _figured(customer: Customer, plan: Plan) -> list[Row]:
    """Rows with figures: by segment those that have any, else all that there are."""
    advertiser, resource = customer.advertiser, plan.query.resource
    if advertiser is None:
        return []
    entities = _entities(customer, resource)
    is_of_ads = resource in ("ad_group", "ad_group_ad")
    figures = advertiser.ad_figures if is_of_ads else advertiser.campaign_figures
    first, last = day_number(plan.first), day_number(plan.last)
    figures = chosen(figures, (figures.day >= first) & (figures.day <= last))
    keys = list(entities)
    places = _places(figures, resource, customer, keys)
    days = _alike(figures.day, plan.segments)
    found: list[Row] = []
    for place, day, sums in _summed(places, days, figures):
        metrics = _metrics(sums)
        if not plan.segments or not plan.metrics or any(metrics[each] for each in plan.metrics):
            found.append(entities[keys[place]] | metrics | _segments(day))
    if plan.segments:
        return found
    told = {row[f"{resource}.resource_name"] for row in found}
    others = (row for row in entities.values() if row[f"{resource}.resource_name"] not in told)
    nothing = _metrics(dict.fromkeys(FIGURES, 0))
    return [*found, *(row | nothing for row in others)]


def _places(figures: Figures, resource: str, customer: Customer, keys: list[Any]) -> Ints:
    """Of each figure, the position of its entity among the keys."""
    position = {key: nth for nth, key in enumerate(keys)}
    if resource == "customer":
        return np.zeros(len(figures), np.int64)
    if resource == "ad_group":
        assert customer.advertiser is not None
        ads = customer.advertiser.ads
        return np.array([position[ads[row].group] for row in figures.ad.tolist()], np.int64)
    rows = figures.ad if resource == "ad_group_ad" else figures.campaign
    return np.array([position[row] for row in rows.tolist()], np.int64)


def _alike(days: Ints, segments: Sequence[str]) -> Ints:
    """Of each day, the first one that the segments do not tell from it."""
    first: dict[tuple[Value, ...], int] = {}
    likes = {}
    for day in np.unique(days).tolist():
        told = _segments(day)
        likes[day] = first.setdefault(tuple(told[name] for name in segments), day)
    return np.array([likes[day] for day in days.tolist()], np.int64)


def _summed(
    places: Ints, days: Ints, figures: Figures
) -> Iterator[tuple[int, int, dict[str, int]]]:
    """Places and days that have figures, and what these come to."""
    if not len(places):
        return
    pairs, which = np.unique(np.stack([places, days]), axis=1, return_inverse=True)
    sums = {}
    for name in FIGURES:
        sums[name] = np.zeros(pairs.shape[1], np.int64)
        np.add.at(sums[name], which.ravel(), getattr(figures, name))
    for nth, (place, day) in enumerate(pairs.T.tolist()):
        yield place, day, {name: int(values[nth]) for name, values in sums.items()}


def _metrics(sums: Mapping[str, int]) -> Row:
    clicks, impressions, conversions = (
        sums[name] for name in ("clicks", "impressions", "conversions")
    )
    cost, value = sums["spend"] * MICROS, sums["conversion_value"] / 100
    figures: Row = {
        "impressions": impressions, "clicks": clicks, "interactions": clicks, "cost_micros": cost,
        "conversions": float(conversions), "conversions_value": value,
        "all_conversions": float(conversions + clicks // 20),
        "all_conversions_value": value + clicks // 20 * 10.0,
        "view_through_conversions": impressions // 1_000,
        "ctr": clicks / impressions if impressions else 0.0,
        "average_cpc": cost / clicks if clicks else 0.0,
        "average_cpm": cost / impressions * 1_000 if impressions else 0.0,
        "cost_per_conversion": cost / conversions if conversions else 0.0,
    }  # fmt: skip
    return {f"metrics.{name}": figure for name, figure in figures.items()}


def _segments(day: int) -> Row:
    when = day_of(day)
    names = ("segments.date", "segments.week", "segments.month", "segments.quarter")
    found: Row = {name: segment_of(name, when).isoformat() for name in names}
    return {**found, "segments.year": when.year, "segments.day_of_week": DAYS[when.weekday()]}
