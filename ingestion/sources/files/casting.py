"""SQL that casts a value of any DuckDB type to a canonical type, NULL where it does not fit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ingestion.contract import Column, ColumnType
from ingestion.duckdb_sql import STORED, literal
from ingestion.sources.files.inference import DATE, OFFSET, TIMESTAMP

EARLIEST, LATEST = dt.date(1970, 1, 2), dt.date(2100, 12, 31)
"""The days that dates and moments may be of: before are what programs write for none (year 1,
1900, 0 seconds since 1970), after what people write for never."""

EXPECTED: dict[ColumnType, str] = {
    "text": "text",
    "money": "a number, such as 1234.50",
    "number": "a number, such as 0.25",
    "integer": "a whole number",
    "boolean": "true or false",
    "timestamp": "a timestamp, such as 2024-01-31 17:45:00 or 2024-01-31T17:45:00+01:00",
    "date": "a date, such as 2024-01-31",
}


@dataclass(frozen=True)
class Zones:
    """Time zones: `source` of timestamps that name none, `company` of dates."""

    source: str
    company: str


def cast(column: Column, value: str, type_: str, zones: Zones) -> str:
    """SQL that casts the expression `value` of DuckDB type `type_` to the column's type.

    Timestamps become UTC without a zone. A bare date means midnight in the company's zone, and a
    timestamp's date is the date it then is there.
    """
    if column.type == "text":
        return f"nullif({_as_text(value, type_)}, '')"
    if column.type in ("money", "number"):
        return f"try_cast({value} as {STORED[column.type]})"
    if column.type == "integer":
        number = f"try_cast({value} as DECIMAL(38,10))"
        return f"case when {number} = trunc({number}) then try_cast({number} as BIGINT) end"
    if column.type == "boolean":
        return _boolean(f"lower({value}::VARCHAR)")
    if column.type == "date":
        return _date(value, type_, zones)
    return _timestamp(value, type_, zones)


def _as_text(value: str, type_: str) -> str:
    if type_ == "JSON":
        return f"{value} ->> '$'"
    if type_.startswith(("STRUCT", "MAP", "UNION")) or type_.endswith("]"):
        return f"to_json({value})::VARCHAR"
    return f"{value}::VARCHAR"


def _boolean(text: str) -> str:
    return (
        f"case when {text} in ('true', 't', 'yes', 'y', '1') then true "
        f"when {text} in ('false', 'f', 'no', 'n', '0') then false end"
    )


def _date(value: str, type_: str, zones: Zones) -> str:
    if type_ == "DATE":
        return value
    if type_ == "VARCHAR":
        return (
            f"case when {_matches(value, DATE)} then try_cast({value} as DATE) "
            f"else {_local_date(_timestamp(value, type_, zones), zones)} end"
        )
    return _local_date(_timestamp(value, type_, zones), zones)


def _local_date(utc: str, zones: Zones) -> str:
    return f"timezone({literal(zones.company)}, timezone('UTC', {utc}))::DATE"


def _timestamp(value: str, type_: str, zones: Zones) -> str:
    if type_ == "DATE":
        return _utc(f"{value}::TIMESTAMP", zones.company)
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return _naive(value)
    if type_.startswith("TIMESTAMP"):
        return _utc(f"{value}::TIMESTAMP", zones.source)
    if type_ == "VARCHAR":
        return (
            f"case when {_matches(value, DATE)} "
            f"then {_utc(f'try_cast({value} as TIMESTAMP)', zones.company)} "
            f"when {_matches(value, TIMESTAMP)} "
            f"then {_utc(f'try_cast({value} as TIMESTAMP)', zones.source)} "
            f"when {_matches(value, TIMESTAMP + OFFSET)} "
            f"then {_naive(f'try_cast({value} as TIMESTAMPTZ)')} end"
        )
    return "NULL::TIMESTAMP"


def _utc(local: str, zone: str) -> str:
    """A local time in a zone, as UTC."""
    return local if zone == "UTC" else _naive(f"timezone({literal(zone)}, {local})")


def _naive(moment: str) -> str:
    """A moment as UTC without a zone; twice as fast as `timezone('UTC', …)`."""
    return f"make_timestamp(epoch_us({moment}))"


def _matches(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, '{pattern}')"
