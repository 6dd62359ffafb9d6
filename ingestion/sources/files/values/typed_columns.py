"""The types of text columns as they are written: numbers and dates in the forms of options, days.

Types of values as they stand come first (see inference); what options say overrules them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.sources.files.values.casting import (
    Form,
    Zones,
    day_of_moment,
    moment,
    text_day,
    wall_clock,
)
from ingestion.sources.files.values.evidence import Values, days_in
from ingestion.sources.files.values.inference import NUMBERS, infer_types
from ingestion.sources.files.values.numbers import Style, plain_number
from ingestion.warehouse.duckdb_sql import one_row

if TYPE_CHECKING:
    import duckdb

_ZONES = Zones("UTC", "UTC")
_MOMENT = Column("moment", "timestamp", "")


@dataclass(frozen=True)
class Typed:
    """A column's type and the SQL that gives it; `is_rewritten`: its text tells more."""

    type: str
    sql: str
    is_rewritten: bool


def typed_columns(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    texts: Sequence[str],
    types: Mapping[str, str],
    style: Style | None,
    formats: tuple[str, ...],
) -> dict[str, Typed]:
    """The columns that are of another type than text, of those in `texts` (quoted names).

    `types` are those that fit the values as they stand. Numbers are of `style` and days and
    moments of `formats`, where options say so. Moments that are all at midnight are days.
    """
    typed = {c: Typed(type_, f"{c}::{type_}", type_ == "DOUBLE") for c, type_ in types.items()}
    if style:
        typed |= _numbers(connection, rows, texts, style)
    if formats:
        others = [column for column in texts if column not in typed]
        typed |= _dates(connection, rows, others, formats)
    for column, found in typed.items():
        if found.type.startswith("TIMESTAMP"):
            typed[column] = _as_days(connection, rows, column, found, formats)
    return typed


def _numbers(
    connection: duckdb.DuckDBPyConnection, rows: str, texts: Sequence[str], style: Style
) -> dict[str, Typed]:
    """Columns of numbers of a style; some of them differ from how numbers stand."""
    plain = {column: plain_number(column, style) for column in texts}
    if not texts:
        return {}
    as_plain = ", ".join(f"{sql} as {column}" for column, sql in plain.items())
    differs = ", ".join(f"coalesce(bool_or({sql} <> {c}), false)" for c, sql in plain.items())
    differ = dict(zip(texts, one_row(connection, f"select {differs} from {rows}"), strict=True))
    tested = [column for column in texts if differ[column]]
    found = infer_types(connection, f"(select {as_plain} from {rows})", tested, NUMBERS)
    return {c: Typed(type_, f"({plain[c]})::{type_}", True) for c, type_ in found.items()}


def _dates(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    texts: Sequence[str],
    formats: tuple[str, ...],
) -> dict[str, Typed]:
    """Columns of days, or of moments with or without a zone, that fit formats throughout."""
    form = Form(formats=formats)
    found = {}
    for column in texts:
        day = text_day(column, form)
        wall = wall_clock(column, "VARCHAR", form)
        instant = moment(column, "VARCHAR", _ZONES, form)
        given = f"filter ({column} is not null)"
        tests = [f"bool_and({sql} is not null) {given}" for sql in (day, wall, instant)]
        days, walls, instants = one_row(connection, f"select {', '.join(tests)} from {rows}")
        if days:
            found[column] = Typed("DATE", day, True)
        elif walls:
            found[column] = Typed("TIMESTAMP", wall, True)
        elif instants:
            found[column] = Typed("TIMESTAMPTZ", f"timezone('UTC', {instant})", True)
    return found


def _as_days(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    column: str,
    found: Typed,
    formats: tuple[str, ...],
) -> Typed:
    """A column of moments as days, if they are all at midnight."""
    form = Form(formats=formats)
    values = Values(_MOMENT, rows, column, "VARCHAR", "")
    zone = days_in(connection, values, _ZONES, form)
    if zone is None:
        return found
    day = day_of_moment(column, "VARCHAR", _ZONES, Form(formats=formats, days_in=zone))
    return Typed("DATE", day, True)
