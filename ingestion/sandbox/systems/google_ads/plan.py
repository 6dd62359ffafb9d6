"""A query held to the catalogue: what it may ask, and in what form it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.sandbox.systems.google_ads import catalogue
from ingestion.sandbox.systems.google_ads.catalogue import (
    ATTRIBUTED,
    CORE_DATES,
    FINE_DATES,
    OPERATORS,
    RESOURCES,
    WITHOUT_METRICS,
    Field,
)
from ingestion.sandbox.systems.google_ads.errors import GoogleAdsError, QueryError
from ingestion.sandbox.systems.google_ads.gaql import Condition, Query

PARAMETERS = ("include_drafts", "omit_unselected_resource_names")
RETAINED_MONTHS = 37
FIRST, LAST = date(1970, 1, 1), date(2037, 12, 31)
Value = str | int | float | bool | None
Test = Callable[[Value], bool]


@dataclass(frozen=True)
class Plan:
    """What a query comes to: its fields, the days that it is of, and tests of other fields."""

    query: Query
    resources: tuple[str, ...]
    """The resource that it is from, and those beside it of which it selects fields."""
    metrics: tuple[str, ...]
    segments: tuple[str, ...]
    first: date
    last: date
    tests: Mapping[str, tuple[Test, ...]]
    omits_names: bool

    @property
    def is_report(self) -> bool:
        """Whether figures are asked for, not just what there is."""
        return bool(self.metrics or self.segments)


def plan(query: Query, today: date) -> Plan:
    """What a query comes to on a day of the account. Raises GoogleAdsError."""
    if query.resource not in RESOURCES:
        raise QueryError(
            "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE",
            f"Error in query: '{query.resource}' is not a valid resource name.",
        )
    conditions = [condition.field for condition in query.conditions]
    for name in query.fields:
        _reachable(query, name, "SELECT")
    for name in conditions:
        _reachable(query, name, "WHERE")
    for name, _ in query.order:
        _reachable(query, name, "WHERE")
        if _is_of_rows(name) and name not in query.fields:
            raise _unselected(name, "ORDER BY")
    for name in conditions:
        if name.startswith("segments.") and name not in (*CORE_DATES, *query.fields):
            raise _unselected(name, "WHERE")
    metrics = tuple(name for name in query.fields if name.startswith("metrics."))
    segments = tuple(name for name in query.fields if name.startswith("segments."))
    first, last = _days(query, today)
    _check_days(query, segments, first, last, today)
    tests: dict[str, tuple[Test, ...]] = {}
    for condition in query.conditions:
        if condition.field not in CORE_DATES:
            tests[condition.field] = (*tests.get(condition.field, ()), _test(condition))
    roots = (query.resource, *(name.partition(".")[0] for name in query.fields))
    return Plan(
        query, tuple(dict.fromkeys(root for root in roots if root in RESOURCES)), metrics,
        segments, first or FIRST, last or LAST, tests, _omits_names(query),
    )  # fmt: skip


def _is_of_rows(name: str) -> bool:
    return name.startswith(("metrics.", "segments."))


def _unselected(name: str, clause: str) -> QueryError:
    return QueryError(
        "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE",
        f"The following field must be present in SELECT clause: '{name}', for it is in {clause}.",
    )


def _reachable(query: Query, name: str, clause: str) -> Field:
    """A field that a query from its resource may name. Raises QueryError."""
    found, root = catalogue.field(name), name.partition(".")[0]
    if found is None:
        raise QueryError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{name}'.")
    if _is_of_rows(name):
        if query.resource in WITHOUT_METRICS:
            kind = "METRIC" if root == "metrics" else "SEGMENT"
            raise QueryError(
                f"PROHIBITED_{kind}_IN_SELECT_OR_WHERE_CLAUSE",
                f"Cannot select or filter on the following {root}: '{name}', since they are "
                f"incompatible with the resource: '{query.resource}'.",
            )
    elif root != query.resource and root not in ATTRIBUTED[query.resource]:
        raise QueryError(
            f"PROHIBITED_RESOURCE_TYPE_IN_{clause}_CLAUSE",
            f"The following fields cannot be used in {clause} clause, since their resource is "
            f"incompatible with the resource in FROM clause, '{query.resource}': '{name}'.",
        )
    return found


def _days(query: Query, today: date) -> tuple[date | None, date | None]:
    """The first and the last day that the conditions leave; none where they leave it open."""
    lows: list[date] = []
    highs: list[date] = []
    for condition in query.conditions:
        if condition.field not in CORE_DATES:
            continue
        low, high = _span(condition, today)
        lows += [low] if low else []
        highs += [high] if high else []
    return max(lows, default=None), min(highs, default=None)


def _span(condition: Condition, today: date) -> tuple[date | None, date | None]:
    name, operator = condition.field, condition.operator
    _known_operator(condition)
    if operator == "DURING":
        return _during(condition.values[0], today)
    if name == "segments.year":
        years = [_integer(value) for value in condition.values]
        bounds = [(date(year, 1, 1), date(year, 12, 31)) for year in years]
    else:
        bounds = [_period(name, value) for value in condition.values]
    (first, last), day = bounds[0], timedelta(days=1)
    spans = {
        "=": (first, last), ">=": (first, None), ">": (last + day, None),
        "<=": (None, last), "<": (None, first - day), "BETWEEN": (first, bounds[-1][1]),
    }  # fmt: skip
    if operator == "BETWEEN" and bounds[-1][1] < first:
        raise QueryError(
            "INVALID_VALUE_WITH_BETWEEN_OPERATOR", f"The range of '{name}' ends before it starts."
        )
    return spans[operator]


def _period(name: str, text: str) -> tuple[date, date]:
    """The first and the last day of the day, week, month or quarter that a text names."""
    day = parse_day(text)
    if name == "segments.date":
        return day, day
    first = segment_of(name, day)
    if first != day:
        raise QueryError(
            "MISALIGNED_DATE_FOR_FILTER", f"Date '{text}' is not the first day of its '{name}'."
        )
    lengths = {"segments.week": 6, "segments.month": 31, "segments.quarter": 92}
    last = first + timedelta(days=lengths[name])
    if name != "segments.week":
        last = segment_of(name, last) - timedelta(days=1)
    return first, last


def segment_of(name: str, day: date) -> date:
    """The first day of the week (Monday), month or quarter of a day; or the day."""
    if name == "segments.week":
        return day - timedelta(days=day.weekday())
    if name == "segments.month":
        return day.replace(day=1)
    if name == "segments.quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day


def parse_day(text: str) -> date:
    """A day as 2026-01-31 or 20260131. Raises QueryError."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{8}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise QueryError("INVALID_DATE_FORMAT", f"Invalid date format: '{text}'.")


def _during(name: str, today: date) -> tuple[date, date]:
    day, month = timedelta(days=1), today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    spans = {
        "TODAY": (today, today), "YESTERDAY": (today - day, today - day),
        "LAST_7_DAYS": (today - 7 * day, today - day),
        "LAST_14_DAYS": (today - 14 * day, today - day),
        "LAST_30_DAYS": (today - 30 * day, today - day),
        "THIS_MONTH": (month, segment_of("segments.month", month + 31 * day) - day),
        "LAST_MONTH": ((month - day).replace(day=1), month - day),
        "THIS_WEEK_MON_TODAY": (monday, today), "THIS_WEEK_SUN_TODAY": (sunday, today),
        "LAST_WEEK_MON_SUN": (monday - 7 * day, monday - day),
        "LAST_WEEK_SUN_SAT": (sunday - 7 * day, sunday - day),
        "LAST_BUSINESS_WEEK": (monday - 7 * day, monday - 3 * day),
    }  # fmt: skip
    if name.upper() not in spans:
        raise QueryError(
            "INVALID_VALUE_WITH_DURING_OPERATOR", f"Invalid date literal with DURING: '{name}'."
        )
    return spans[name.upper()]


def _check_days(
    query: Query, segments: tuple[str, ...], first: date | None, last: date | None, today: date
) -> None:
    if any(name in CORE_DATES for name in segments) and (first is None or last is None):
        raise QueryError(
            "EXPECTED_FILTERS_ON_DATE_RANGE",
            "The WHERE clause must contain a finite date range of core date segments, for one of "
            "them is in SELECT clause.",
        )
    if first is not None and last is not None and last < first:
        raise GoogleAdsError(
            "dateRangeError", "START_DATE_AFTER_END_DATE", "The start date was after the end date."
        )
    is_fine = any(name in FINE_DATES for name in segments) or not _are_months(first, last)
    if is_fine and first and first < retained_from(today):
        raise GoogleAdsError(
            "dateRangeError", "REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED",
            "The requested time granularity is not supported for the date range in the query. "
            "Metrics with daily, hourly, or weekly segmentation are only available for the last "
            f"{RETAINED_MONTHS} months.",
        )  # fmt: skip


def _are_months(first: date | None, last: date | None) -> bool:
    """Whether days are whole months, as far as they have bounds."""
    return (first or FIRST).day == 1 and ((last or LAST) + timedelta(days=1)).day == 1


def retained_from(today: date) -> date:
    """The first day of which figures by day are still had."""
    month = today.year * 12 + today.month - 1 - RETAINED_MONTHS
    return date(month // 12, month % 12 + 1, min(today.day, 28))


def _omits_names(query: Query) -> bool:
    for name, value in query.parameters:
        if name not in PARAMETERS:
            raise QueryError("BAD_PARAMETER_NAME", f"Error in query: unknown parameter '{name}'.")
        if value.lower() not in ("true", "false"):
            raise QueryError("BAD_PARAMETER_VALUE", f"Error in query: bad value of '{name}'.")
    return ("omit_unselected_resource_names", "true") in [
        (name, value.lower()) for name, value in query.parameters
    ]


def _known_operator(condition: Condition) -> Field:
    found = catalogue.field(condition.field)
    assert found is not None
    if condition.operator not in OPERATORS[found.kind]:
        raise QueryError(
            "OPERATOR_FIELD_MISMATCH",
            f"Operator {condition.operator} cannot be used with the field '{condition.field}'.",
        )
    return found


def _test(condition: Condition) -> Test:
    """What a value of the field must be."""
    kind, operator = _known_operator(condition), condition.operator
    if operator in ("IS NULL", "IS NOT NULL"):
        return lambda value: (value is None) == (operator == "IS NULL")
    if operator.endswith(("LIKE", "REGEXP_MATCH")):
        pattern = condition.values[0]
        if operator.endswith("LIKE"):
            pattern = re.escape(pattern).replace("%", ".*").replace("_", ".")
        is_wanted = not operator.startswith("NOT")
        return lambda value: bool(re.fullmatch(pattern, str(value))) == is_wanted
    wanted = [_value(kind, condition.field, value) for value in condition.values]
    least, most = wanted[0], wanted[-1]
    tests: dict[str, Test] = {
        "=": lambda value: value == least, "!=": lambda value: value != least,
        "IN": lambda value: value in wanted, "NOT IN": lambda value: value not in wanted,
        ">": lambda value: value is not None and value > least,  # type: ignore[operator]
        ">=": lambda value: value is not None and value >= least,  # type: ignore[operator]
        "<": lambda value: value is not None and value < least,  # type: ignore[operator]
        "<=": lambda value: value is not None and value <= least,  # type: ignore[operator]
        "BETWEEN": lambda value: value is not None and least <= value <= most,  # type: ignore[operator]
    }  # fmt: skip
    return tests[operator]


def _value(kind: Field, name: str, text: str) -> Value:
    if kind.kind in ("id", "count", "year"):
        return _integer(text)
    if kind.kind == "share":
        try:
            return float(text)
        except ValueError:
            raise QueryError("BAD_NUMBER", f"Error in query: bad number {text}.") from None
    if kind.kind == "bool":
        if text.lower() not in ("true", "false"):
            raise QueryError("BAD_VALUE", f"Error in query: bad value {text} of '{name}'.")
        return text.lower() == "true"
    if kind.kind == "enum" and text not in kind.values:
        raise QueryError(
            "BAD_ENUM_CONSTANT",
            f"Invalid enum value cannot be included in WHERE clause: '{text}'.",
        )
    return text


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise QueryError("BAD_NUMBER", f"Error in query: bad number {text}.")
    return int(text)
