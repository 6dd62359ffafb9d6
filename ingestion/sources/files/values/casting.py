"""SQL that casts a value of any DuckDB type to a canonical type, NULL where it does not fit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES
from ingestion.sources.files.values.inference import DATE, OFFSET, TIMESTAMP
from ingestion.sources.files.values.numbers import SYMBOLS, Amount, Style, number, trimmed
from ingestion.warehouse.duckdb_sql import literal

EARLIEST, LATEST = dt.date(1970, 1, 2), dt.date(2100, 12, 31)
"""The days that dates and moments may be of: before are what programs write for none (year 1,
1900, 0 seconds since 1970), after what people write for never."""

PLAUSIBLE = f"a day from {EARLIEST} to {LATEST}"

CURRENCY_COLUMNS = ("currency", "from_currency", "to_currency")
WRITTEN = "written"


@dataclass(frozen=True)
class Zones:
    """Time zones: `source` of timestamps that name none, `company` of dates."""

    source: str
    company: str


@dataclass(frozen=True)
class Form:
    """How the values of a column are written, as options say or the whole column tells.

    Numbers in text are in one of `styles`, amounts with a currency, a sign or K and M where
    `is_marked`, shares in `percent`. Dates in text fit one of `formats` (of strptime) or are in
    ISO 8601. With `days_in`, moments stand for days: those of this zone, or those that are
    `WRITTEN`.
    """

    styles: tuple[Style, ...] = ()
    is_marked: bool = False
    percent: bool = False
    formats: tuple[str, ...] = ()
    days_in: str | None = None


PLAIN = Form()


def cast(column: Column, value: str, type_: str, zones: Zones, form: Form = PLAIN) -> str:
    """SQL that casts the expression `value` of DuckDB type `type_` to the column's type.

    Timestamps become UTC without a zone. A bare date means midnight in the company's zone, and a
    timestamp's date is the date it then is there. Dates that are not plausible do not fit.
    """
    if column.type in ("date", "timestamp"):
        found = temporal(column, value, type_, zones, form)
        return f"case when {is_plausible(found)} then {found} end"
    if column.type == "text":
        text = f"nullif({_as_text(value, type_)}, '')"
        return _currency(text) if column.name in CURRENCY_COLUMNS else text
    if column.type == "money" and form.is_marked:
        return Amount(value).value(form.styles, TYPES["money"].sql)
    if column.type in ("money", "number"):
        return _number(column, value, type_, form)
    if column.type == "integer":
        found = f"({_styled(value, type_, form, 'DECIMAL(38,10)')})"
        return f"case when {found} = trunc({found}) then try_cast({found} as BIGINT) end"
    return _boolean(f"lower({value}::VARCHAR)")


def temporal(column: Column, value: str, type_: str, zones: Zones, form: Form = PLAIN) -> str:
    """SQL of a value as date or timestamp, plausible or not."""
    if column.type == "date":
        return _date(value, type_, zones, form)
    return _timestamp(value, type_, zones, form)


def is_plausible(value: str) -> str:
    """SQL of whether a date or moment is of a day that may be."""
    return f"{value} >= '{EARLIEST}' and {value} < '{LATEST + dt.timedelta(1)}'"


def is_share(column: Column) -> bool:
    """Whether a column is of probabilities and the like, from 0 to 1."""
    return column.type == "number" and column.maximum == 1


def _as_text(value: str, type_: str) -> str:
    if type_ == "JSON":
        return f"{value} ->> '$'"
    if type_.startswith(("STRUCT", "MAP", "UNION")) or type_.endswith("]"):
        return f"to_json({value})::VARCHAR"
    return f"{value}::VARCHAR"


def _currency(text: str) -> str:
    """A currency's code in capitals, whatever it was written in, or by its sign."""
    signs = " ".join(f"when {literal(sign)} then {literal(code)}" for sign, code in SYMBOLS.items())
    code = trimmed(text)
    return f"case {code} {signs} else nullif(upper({code}), '') end"


def _number(column: Column, value: str, type_: str, form: Form) -> str:
    stored = TYPES[column.type].sql
    found = _styled(value, type_, form, stored)
    if not is_share(column):
        return found
    if form.percent:
        found = f"try_cast({found} / 100 as {stored})"
    if type_ != "VARCHAR":
        return found
    share = _styled(f"rtrim({trimmed(value)}, '% ')", type_, form, stored)
    return (
        f"case when {trimmed(value)} like '%\\%' escape '\\' "
        f"then try_cast({share} / 100 as {stored}) else {found} end"
    )


def _styled(value: str, type_: str, form: Form, stored: str) -> str:
    return number(value, form.styles if type_ == "VARCHAR" else (), stored)


def _boolean(text: str) -> str:
    return (
        f"case when {text} in ('true', 't', 'yes', 'y', '1') then true "
        f"when {text} in ('false', 'f', 'no', 'n', '0') then false end"
    )


def _date(value: str, type_: str, zones: Zones, form: Form) -> str:
    if type_ == "DATE":
        return value
    local = _local_date(moment(value, type_, zones, form), zones.company)
    if form.days_in:
        local = day_of_moment(value, type_, zones, form)
    day = _day(value, type_, form)
    return f"coalesce({day}, {local})" if day else local


def text_day(value: str, form: Form) -> str:
    """SQL of a bare day in text; NULL where there is none."""
    return _day(value, "VARCHAR", form) or "NULL::DATE"


def _timestamp(value: str, type_: str, zones: Zones, form: Form) -> str:
    if type_ == "DATE":
        return _utc(f"try_cast({value} as TIMESTAMP)", zones.company)
    found = moment(value, type_, zones, form)
    if form.days_in:
        found = _midnight(day_of_moment(value, type_, zones, form), zones)
    day = _day(value, type_, form)
    return f"coalesce({_midnight(day, zones)}, {found})" if day else found


def _midnight(day: str, zones: Zones) -> str:
    return _utc(f"({day})::TIMESTAMP", zones.company)


def _day(value: str, type_: str, form: Form) -> str | None:
    """A value that is a bare day in text, or in a number where a format says so."""
    days = [
        f"try_strptime({value}::VARCHAR, {literal(format_)})::DATE"
        for format_ in form.formats
        if is_of_days(format_)
    ]
    if type_ == "VARCHAR":
        days.append(f"case when {matches(value, DATE)} then try_cast({value} as DATE) end")
    if not days or not (type_ == "VARCHAR" or is_whole(type_)):
        return None
    return f"coalesce({', '.join(days)})" if len(days) > 1 else days[0]


def moment(value: str, type_: str, zones: Zones, form: Form) -> str:
    """SQL of a value that is a moment and no bare day, in UTC; NULL where it is none."""
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return _naive(value)
    if type_.startswith("TIMESTAMP"):
        return _utc(f"{value}::TIMESTAMP", zones.source)
    moments = [
        _naive(parsed) if "%z" in format_ else _utc(parsed, zones.source)
        for format_ in form.formats
        if not is_of_days(format_) and (type_ == "VARCHAR" or is_whole(type_))
        for parsed in [f"try_strptime({value}::VARCHAR, {literal(format_)})"]
    ]
    if type_ == "VARCHAR":
        moments.append(
            f"case when {matches(value, TIMESTAMP)} "
            f"then {_utc(f'try_cast({value} as TIMESTAMP)', zones.source)} "
            f"when {matches(value, TIMESTAMP + OFFSET)} "
            f"then {_naive(f'try_cast({value} as TIMESTAMPTZ)')} end"
        )
    return f"coalesce({', '.join(moments)})" if moments else "NULL::TIMESTAMP"


def wall_clock(value: str, type_: str, form: Form) -> str:
    """SQL of a moment as it is written, whatever its zone; NULL where none is written."""
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return "NULL::TIMESTAMP"
    if type_.startswith("TIMESTAMP"):
        return f"{value}::TIMESTAMP"
    if type_ != "VARCHAR":
        return "NULL::TIMESTAMP"
    local = f"regexp_replace({value}, '{OFFSET}$', '')"
    walls = [
        f"try_strptime({local if format_.endswith('%z') else value}, "
        f"{literal(format_.removesuffix('%z'))})"
        for format_ in form.formats
        if not is_of_days(format_) and "%z" not in format_.removesuffix("%z")
    ]
    walls.append(
        f"case when {matches(value, f'{TIMESTAMP}{OFFSET}?')} "
        f"then try_cast({local} as TIMESTAMP) end"
    )
    return f"coalesce({', '.join(walls)})"


def day_of_moment(value: str, type_: str, zones: Zones, form: Form) -> str:
    """SQL of the day that a moment stands for where `days_in` says what it stands for."""
    assert form.days_in
    if form.days_in == WRITTEN:
        return f"({wall_clock(value, type_, form)})::DATE"
    return _local_date(moment(value, type_, zones, form), form.days_in)


def is_of_days(format_: str) -> bool:
    """Whether a format of strptime is of days: it has no time of day."""
    return not any(f"%{mark}" in format_.replace("%-", "%") for mark in "HIMSfgnpzZcXTR")


def is_whole(type_: str) -> bool:
    """Whether a DuckDB type is of whole numbers."""
    return type_.endswith("INT") or type_ in ("INTEGER", "UINTEGER")


def _local_date(utc: str, zone: str) -> str:
    return f"timezone({literal(zone)}, timezone('UTC', {utc}))::DATE"


def _utc(local: str, zone: str) -> str:
    """A local time in a zone, as UTC."""
    return local if zone == "UTC" else _naive(f"timezone({literal(zone)}, {local})")


def _naive(instant: str) -> str:
    """A moment as UTC without a zone; twice as fast as `timezone('UTC', …)`."""
    return f"make_timestamp(epoch_us({instant}))"


def matches(value: str, pattern: str) -> str:
    """SQL of whether a text is of a pattern, from beginning to end."""
    return f"regexp_full_match({value}, '{pattern}')"
