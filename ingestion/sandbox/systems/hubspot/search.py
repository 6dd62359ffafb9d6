"""HubSpot's search: filter groups, sorting, paging, and the limit of 10,000 results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from ingestion.sandbox.systems.hubspot.errors import BadRequestError
from ingestion.sandbox.systems.hubspot.portal import Portal
from ingestion.sandbox.systems.hubspot.schema import OBJECTS
from ingestion.sandbox.world.calendar import Ints, to_moment

RESULT_LIMIT = 10_000
PAGE_LIMIT = 200
MAX_GROUPS, MAX_FILTERS = 5, 18

Mask = npt.NDArray[np.bool_]


def matching(portal: Portal, name: str, body: Mapping[str, Any], indexed_ms: int) -> Ints:
    """Positions among the records that match a search, in the order asked for.

    Records modified after `indexed_ms` are not in the index yet. Raises BadRequestError.
    """
    groups = body.get("filterGroups") or []
    if isinstance(body.get("filters"), list):
        groups = [{"filters": body["filters"]}]
    filters = sum(len(group.get("filters", ())) for group in groups)
    if len(groups) > MAX_GROUPS or filters > MAX_FILTERS:
        raise BadRequestError("Too many filterGroups or filters")
    records = portal.records(name)
    found = np.full(len(records.rows), not groups)
    for group in groups:
        matches = np.ones(len(records.rows), bool)
        for condition in group.get("filters", ()):
            matches &= _matches(portal, name, condition)
        found |= matches
    positions = np.flatnonzero(found & (records.modified <= indexed_ms))
    for sort in (body.get("sorts") or [])[:1]:
        property_name = sort if isinstance(sort, str) else sort["propertyName"]
        values = _numbers(portal, name, property_name)[positions]
        order = np.argsort(values, kind="stable")
        descending = isinstance(sort, dict) and sort.get("direction") == "DESCENDING"
        positions = positions[order[::-1] if descending else order]
    return positions


def _matches(portal: Portal, name: str, condition: Mapping[str, Any]) -> Mask:
    property_name = condition.get("propertyName", "")
    if property_name not in portal.properties(name):
        raise BadRequestError(
            f"There was a problem with the request. {property_name} is not a valid property"
        )
    operator = condition.get("operator")
    values = _numbers(portal, name, property_name)
    if operator in ("IN", "NOT_IN"):
        wanted = np.array([_number(value) for value in condition["values"]])
        return np.isin(values, wanted) == (operator == "IN")
    if operator == "HAS_PROPERTY":
        return ~np.isnan(values)
    if operator == "NOT_HAS_PROPERTY":
        return np.isnan(values)
    low = _number(condition.get("value"))
    if operator == "BETWEEN":
        return (values >= low) & (values <= _number(condition.get("highValue")))
    comparisons = {
        "EQ": np.equal, "NEQ": np.not_equal, "LT": np.less, "LTE": np.less_equal,
        "GT": np.greater, "GTE": np.greater_equal,
    }  # fmt: skip
    if operator not in comparisons:
        raise BadRequestError(f"Invalid operator: {operator}")
    return np.asarray(comparisons[operator](values, low), bool)


def _numbers(portal: Portal, name: str, property_name: str) -> npt.NDArray[np.float64] | Ints:
    """A property of all records as numbers: moments in milliseconds, other text by its hash."""
    records = portal.records(name)
    if property_name == "hs_object_id":
        return records.ids
    if property_name == OBJECTS[name].modified:
        return records.modified
    texts = portal.texts(name, records.rows, (property_name,))[property_name]
    return np.array([np.nan if text is None else _number(text) for text in texts])


def _number(value: Any) -> float:
    text = str(value)
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        pass
    try:
        return to_moment(datetime.fromisoformat(text)) / 1_000
    except ValueError:
        return float(hash(text))
