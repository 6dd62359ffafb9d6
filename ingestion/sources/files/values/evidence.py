"""What all values of a column tell of how each is to be read.

A value by itself may be read in two ways: `15.500`, `2024-03-01T00:00:00Z`, a probability of 20.
Its column tells which, or the load stops and says what to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.errors import SourceError
from ingestion.sources.files.values.casting import (
    WRITTEN,
    Form,
    Zones,
    cast,
    is_share,
    moment,
    wall_clock,
)
from ingestion.sources.files.values.hints import remedy
from ingestion.sources.files.values.inference import SAMPLE_ROWS
from ingestion.sources.files.values.numbers import (
    COMMA,
    DOUBTFUL_POINT,
    POINT,
    Amount,
    Style,
    kind,
    number,
    unsigned,
)
from ingestion.warehouse.duckdb_sql import literal, one_row

if TYPE_CHECKING:
    import duckdb

SAMPLES = 20
SHOWN = 3
USUAL = 3
"""How many numbers in groups are a way of writing, and no slip, though they are few of many."""
MICROSECONDS_A_DAY = 86_400_000_000
MAYBE_GROUPED = ("point? 0", "point?")
"""Kinds of numbers whose point may group thousands or begin decimals."""
THREE_PLACES = ("long point, three places", "point, three places")
LONG_POINTS = ("long point, three places", "long point")
SHORT_POINTS = ("point, three places", "point")


@dataclass(frozen=True)
class Values:
    """The values that a mapping picks for a column.

    `rows` is SQL that follows `from`, in which `sql` gives them as the DuckDB type `type`.
    `origin` says where they come from, for messages. `is_plain`: all are numbers as they stand.
    """

    column: Column
    rows: str
    sql: str
    type: str
    origin: str
    is_plain: bool = False

    @property
    def is_text(self) -> bool:
        return self.type == "VARCHAR"

    @property
    def given(self) -> str:
        """SQL of whether there is a value."""
        return f"{self.sql} is not null" + (f" and {self.sql} <> ''" if self.is_text else "")


def form_of(
    connection: duckdb.DuckDBPyConnection,
    values: Values,
    zones: Zones,
    style: Style | None,
    formats: tuple[str, ...],
) -> tuple[Form, str | None]:
    """How the values of a column are written, and what to say of it, if anything.

    `style` is that which options say, if they do. Raises SourceError where numbers may mean two
    things, or none without an option.
    """
    type_ = values.column.type
    if type_ in ("date", "timestamp"):
        form = Form(formats=formats)
        zone = days_in(connection, values, zones, form)
        said = None if zone else _mostly_days(connection, values, zones, form)
        return replace(form, days_in=zone), said
    if type_ not in ("money", "number", "integer"):
        return Form(), None
    is_open = values.is_text and not values.is_plain
    form = _numbers(connection, values, style) if is_open else Form()
    if is_share(values.column) and _is_percent(connection, values, form):
        said = f"{values.column.name} of {values.origin} is read as percent: its values go to 100"
        return replace(form, percent=True), said
    return form, None


def misfits(
    connection: duckdb.DuckDBPyConnection, values: Values, zones: Zones, form: Form
) -> Sequence[str]:
    """Some different values that do not fit their column, as text."""
    if values.column.type == "text" or values.is_plain:
        return ()
    found = cast(values.column, values.sql, values.type, zones, form)
    rows = connection.execute(
        f"select distinct left({values.sql}::VARCHAR, 60) from {values.rows} "
        f"where {values.given} and {found} is null limit {SAMPLES}"
    ).fetchall()
    return sorted(value for (value,) in rows)


@dataclass(frozen=True)
class Doubt:
    """Some numbers in a column of a file that may be in groups, though nothing there says so.

    `is_text`: not all that the column holds is numbers, so that it stays text. `is_told`: whoever
    reads that text knows what they are, by other values or options (`is_said`); SQL does not.
    """

    file: str
    samples: tuple[str, ...]
    is_text: bool
    is_told: bool
    is_said: bool


def doubts_of(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, bool],
    file: str,
    style: Style | None,
) -> dict[str, Doubt]:
    """The columns of a file, read as text, whose numbers may be in groups.

    `columns` are quoted names, and whether they stay text; `style` is that which options say.
    """
    if not columns or (style and style.decimal == "."):
        return {}
    maybe = literal(f"[^\\d.,]*{DOUBTFUL_POINT}[^\\d.,]*")
    tests = ", ".join(f"bool_or(regexp_full_match({column}, {maybe}))" for column in columns)
    row = one_row(connection, f"select {tests} from {table}")
    found = {}
    for column in [column for column, holds in zip(columns, row, strict=True) if holds]:
        body = f"regexp_replace({column}, '^[^\\d.,]+|[^\\d.,]+$', '', 'g')"
        seen = _seen(connection, table, column, body)
        if style or not seen.tells_points:
            samples = seen.samples(*MAYBE_GROUPED)
            is_said = style is not None
            is_told = is_said or seen.count("comma") > 0
            found[column] = Doubt(file, samples, columns[column], is_told, is_said)
    return found


def refuse_doubtful(column: Column, doubt: Doubt, type_: str) -> None:
    """Stop a load whose amounts may be in groups, though they were read as they stand.

    `type_` is the DuckDB type that a mapping makes of them: text is still to be read.
    """
    is_text = type_ == "VARCHAR"
    if column.type not in ("money", "integer") or (is_text and doubt.is_text and doubt.is_told):
        return
    said = _which(column, doubt.samples, doubt.file)
    if is_text or not doubt.is_text:
        raise SourceError(said)
    mend = "map the column by itself, or nullif(column, 'n/a'): other SQL reads its text without"
    if doubt.is_said:
        shown = ", ".join(doubt.samples[:SHOWN])
        said = (
            f"columns.{column.name}: {doubt.file} has numbers such as {shown} in a column of text"
        )
        raise SourceError(f"{said}: {mend} what options say of them")
    raise SourceError(f"{said}, and {mend} options")


@dataclass(frozen=True)
class _Seen:
    """How often each kind of number is in a column, with samples; how many carry a mark."""

    counts: Mapping[str, tuple[int, int, tuple[str, ...]]]

    def count(self, *kinds: str) -> int:
        return sum(self.counts[kind][0] for kind in kinds if kind in self.counts)

    @property
    def total(self) -> int:
        return sum(count for count, _, _ in self.counts.values())

    @property
    def marked(self) -> int:
        return sum(marked for _, marked, _ in self.counts.values())

    @property
    def tells_points(self) -> bool:
        """Whether other numbers tell that a point that may group thousands begins decimals.

        Whoever writes `4.000` for 4 writes three places elsewhere, too, and no `12.5` alone.
        """
        points = self.count(*LONG_POINTS, *SHORT_POINTS, "point, grouped") > 0
        return points and (not self.count("point? 0") or self.count(*THREE_PLACES) > 0)

    def samples(self, *kinds: str) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(s for kind in kinds if kind in self.counts for s in self.counts[kind][2])
        )


def _seen(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    value: str,
    body: str,
    is_marked: str = "false",
) -> _Seen:
    found = connection.execute(
        f"select {kind(body)}, count(*), count(*) filter ({is_marked}), min({value}), "
        f"max({value}), any_value({value}) from {rows} where {value} <> '' group by 1"
    ).fetchall()
    return _Seen({name: (n, marked, tuple(samples)) for name, n, marked, *samples in found})


def _numbers(connection: duckdb.DuckDBPyConnection, values: Values, style: Style | None) -> Form:
    """How numbers in text are written."""
    is_money = values.column.type == "money"
    amount = Amount(values.sql)
    body = (
        f"coalesce(nullif({amount.body}, ''), {values.sql})" if is_money else unsigned(values.sql)
    )
    is_marked = amount.is_marked if is_money else "false"
    seen = _seen(connection, values.rows, values.sql, body, is_marked)
    if style:
        return Form(styles=(style,), is_marked=seen.marked > 0)
    points = seen.count(*LONG_POINTS, *SHORT_POINTS, "point, grouped")
    commas = seen.count("comma")
    if seen.marked:
        is_told = not (points and commas) and (seen.tells_points if points else commas > 0)
        if (seen.count(*MAYBE_GROUPED) and not is_told) or (seen.count("comma?") and commas):
            samples = seen.samples(*MAYBE_GROUPED, "comma?")
            raise SourceError(_which(values.column, samples, values.origin))
        styles = (COMMA, POINT) if commas and not points else (POINT, COMMA)
        return Form(styles=styles, is_marked=True)
    is_unsure = values.column.type != "number" or bool(commas)
    if seen.count(*MAYBE_GROUPED) and is_unsure and (commas or not seen.tells_points):
        others = ("comma", *SHORT_POINTS) if commas else ()
        samples = seen.samples(*MAYBE_GROUPED, *others)
        raise SourceError(_which(values.column, samples, values.origin))
    marks = ("comma?", "point, grouped", "spaced", "comma")
    found, plain = seen.count(*marks), seen.count("long", *LONG_POINTS)
    is_usual = found >= USUAL or 2 * found > seen.total
    if is_usual and found > plain + (seen.count(*SHORT_POINTS) if commas else 0):
        raise SourceError(_which(values.column, seen.samples(*marks), values.origin))
    return Form()


def _which(column: Column, samples: Sequence[str], origin: str) -> str:
    shown = ", ".join(samples[:SHOWN])
    if origin.endswith((".yml", ".yaml")):
        return f"{column.name}: {shown}: write amounts with no mark for thousands, such as 15500"
    what = remedy("money", samples) or "say decimal and thousands"
    return (
        f"columns.{column.name}: {origin} has numbers such as {shown}, which are not read as they "
        f"stand: points or commas may group thousands or begin decimals. In 'options', {what}"
    )


def _is_percent(connection: duckdb.DuckDBPyConnection, values: Values, form: Form) -> bool:
    """Whether probabilities are in percent: some over 1, none over 100, none of 1 or a part."""
    styles = form.styles if values.is_text else ()
    share = number(values.sql, styles, "DOUBLE")
    least, most = one_row(
        connection,
        f"select min(share) filter (share > 0), max(share) "
        f"from (select {share} as share from {values.rows} where {values.given})",
    )
    return most is not None and least is not None and most > 1 and least > 1 and most <= 100


def days_in(
    connection: duckdb.DuckDBPyConnection, values: Values, zones: Zones, form: Form
) -> str | None:
    """The zone at whose midnights all moments of a column are: they are days there.

    None where they are not, or it has none.
    """
    if not (values.is_text or values.type.startswith("TIMESTAMP")):
        return None
    found = moment(values.sql, values.type, zones, form)
    tests = dict(_midnights(values, zones, form, found))
    given = f"from {values.rows} where {values.given}"
    for rows in (f"(select * {given} limit {SAMPLE_ROWS})", f"(select * {given})"):
        results = [f"bool_and({test}) filter ({found} is not null)" for test in tests.values()]
        if results:
            row = one_row(connection, f"select {', '.join(results)} from {rows}")
            tests = {zone: tests[zone] for zone, holds in zip(tests, row, strict=True) if holds}
    return next(iter(tests), None)


def _mostly_days(
    connection: duckdb.DuckDBPyConnection, values: Values, zones: Zones, form: Form
) -> str | None:
    """What to say of a field of days whose moments are mostly, but not all, midnights."""
    if values.column.type != "date" or not (values.is_text or values.type.startswith("TIMESTAMP")):
        return None
    found = moment(values.sql, values.type, zones, form)
    tests = dict(_midnights(values, zones, form, found))
    counts = [f"count(*) filter ({test} and {found} is not null)" for test in tests.values()]
    moments, *midnights = one_row(
        connection,
        f"select count({found}), {', '.join(counts)} from {values.rows} where {values.given}",
    )
    if 2 * max(midnights) <= moments:
        return None
    column = values.column.name
    return (
        f"{column}: {max(midnights):,} of {moments:,} moments in {values.origin} are midnights, "
        f"the others are not: all are taken as moments, and {column} as their day in "
        f"{zones.company}; where they are days as written, map {column}: x::DATE"
    )


def _midnights(values: Values, zones: Zones, form: Form, found: str) -> Iterator[tuple[str, str]]:
    """Zones, and SQL of whether a moment is at midnight there."""
    if values.type == "TIMESTAMP WITH TIME ZONE":
        yield "UTC", f"epoch_us({values.sql}) % {MICROSECONDS_A_DAY} = 0"
        for zone in {zones.company, zones.source} - {"UTC"}:
            local = f"timezone({literal(zone)}, {values.sql})"
            yield zone, f"{local} = date_trunc('day', {local})"
        return
    wall = wall_clock(values.sql, values.type, form)
    yield WRITTEN, f"coalesce({wall} = date_trunc('day', {wall}), false)"
    if values.is_text:
        has_offset = f"regexp_full_match({values.sql}, '.*(Z|UTC|[+-]\\d{{2}}(:?\\d{{2}})?)')"
        yield "UTC", f"({has_offset} and {found} = date_trunc('day', {found}))"
