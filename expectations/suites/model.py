"""What a suite is made of: plain data, cheap to import.

A check names a Great Expectations expectation and its arguments. The columns of the frame that it
judges are SQL expressions over the suite's relation: what takes several fields, or a join, is
computed where the data is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Layer = Literal["raw", "marts"]
Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """One thing that must hold in a table.

    `columns` are the frame's columns that it needs: name and SQL expression. Rows where the
    expression is NULL are not judged, except by the checks that look for what is missing.
    """

    name: str
    severity: Severity
    description: str
    expectation: str
    arguments: Mapping[str, Any]
    columns: Mapping[str, str]
    table: str = ""


@dataclass(frozen=True)
class Suite:
    """The checks of one table.

    `relation` is a query whose placeholders `expectations.frames` fills in. `keys` are the
    columns that say which rows failed: ids, never personal data. `may_be_empty`: a table without
    rows holds every check. `samples`: how many failing rows are named.
    """

    table: str
    relation: str
    keys: tuple[str, ...]
    checks: tuple[Check, ...]
    may_be_empty: bool = True
    samples: int = 5


def given(column: str, severity: Severity, description: str) -> Check:
    """A value is there."""
    return Check(
        f"{column}_given",
        severity,
        description,
        "ExpectColumnValuesToNotBeNull",
        {"column": column},
        {column: column},
    )


def between(
    name: str,
    severity: Severity,
    description: str,
    *,
    column: str,
    expression: str = "",
    minimum: float | None = None,
    maximum: float | Mapping[str, str] | None = None,
    exclusive: bool = False,
) -> Check:
    """A number lies within limits; `exclusive`: above the minimum, not at it.

    A limit that the run sets is written `{"$PARAMETER": name}`. The number is the column's own,
    or what `expression` makes of the row.
    """
    return Check(
        name,
        severity,
        description,
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": minimum, "max_value": maximum, "strict_min": exclusive},
        {column: expression or column},
    )


def matches(column: str, pattern: str, severity: Severity, description: str) -> Check:
    """A text has a form."""
    return Check(
        f"{column}_valid",
        severity,
        description,
        "ExpectColumnValuesToMatchRegex",
        {"column": column, "regex": pattern},
        {column: column},
    )


def within(column: str, allowed: list[str], severity: Severity, description: str) -> Check:
    """A text is one of those that are known."""
    return Check(
        f"{column}_known",
        severity,
        description,
        "ExpectColumnValuesToBeInSet",
        {"column": column, "value_set": allowed},
        {column: column},
    )


def ordered(name: str, severity: Severity, description: str, first: str, then: str) -> Check:
    """One moment is not before another, where both are given."""
    return Check(
        name,
        severity,
        description,
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {
            "column_A": then,
            "column_B": first,
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
        {first: first, then: then},
    )


def never(name: str, severity: Severity, description: str, condition: str) -> Check:
    """No row is in a state that makes no sense. `condition` is SQL; unknown counts as no."""
    return Check(
        name,
        severity,
        description,
        "ExpectColumnValuesToBeInSet",
        {"column": name, "value_set": [False]},
        {name: f"coalesce({condition}, false)"},
    )
