"""Spend over several days, day by day."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.contract.columns import Column, Entity
from ingestion.contract.types import TYPES
from ingestion.sources.files.hidden import FILE_ROW, HIDDEN
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.shapes.rows import Bench, column_sql, fitted, problem_columns, source
from ingestion.sources.files.shapes.settings import Span
from ingestion.sources.files.values.casting import Zones
from ingestion.warehouse.duckdb_sql import literal, quote

DAY = "day"
DIGITS = {"money": 2, "integer": 0, "number": 4}
"""Digits after the point to which a day's share is rounded."""


def spread(
    bench: Bench,
    entity: Entity,
    rowset: RowSet,
    columns: Mapping[str, str],
    said: Span,
    zones: Zones,
) -> tuple[RowSet, dict[str, str]]:
    """A row for each day of a row's span, with its share of what can be added up.

    Shares are even, rounded to cents (counts to whole ones), and add up to what was spread. A row
    without a span stays whole, with the reason.
    """
    day = entity.by_name[DAY]
    ends = {}
    for key, name in (("from", said.from_), ("to", said.to)):
        sql = column_sql(rowset, name, f"spread.{key}")
        ends[key] = (name, f"{sql}::VARCHAR", fitted(bench, rowset, day, sql, zones))
    first, last, number, days = (
        quote(HIDDEN + part) for part in ("first", "last", "nth day", "days")
    )
    wrong = ", ".join(
        f"case when {cast_} is null then {literal(name + ' = ')} || coalesce({text}, '') || "
        f"{literal(': expected ' + TYPES['date'].described)} end"
        for name, text, cast_ in ends.values()
    )
    (start, _, begins), (end, _, finishes) = ends["from"], ends["to"]
    reversed_ = f"case when {finishes} < {begins} then {literal(f'{end} is before {start}')} end"
    amounts = {
        name: (entity.by_name[name], fitted(bench, rowset, entity.by_name[name], sql, zones))
        for name, sql in columns.items()
        if entity.by_name[name].type in DIGITS
    }
    unfit = "".join(
        f", case when {value} is null and nullif(({columns[name]})::VARCHAR, '') is not null then "
        f"{literal(name + ' = ')} || ({columns[name]})::VARCHAR || "
        f"{literal(': expected ' + TYPES[column.type].described)} end"
        for name, (column, value) in amounts.items()
    )
    problem = f"nullif(concat_ws('; ', {wrong}, {reversed_}{unfit}), '')"
    dated = bench.reshaped(
        rowset,
        "span",
        f"select {problem_columns(rowset, problem)}, {begins} as {first}, {finishes} as {last} "
        f"from {source(rowset)}",
    )
    shares = "".join(
        f", {_share(column, value, number, days)} as {quote(HIDDEN + 'share ' + name)}"
        for name, (column, value) in amounts.items()
    )
    shaped = bench.reshaped(
        dated,
        "spread",
        f"""
        with spans as (
            select *, case when {first} <= {last} then {last} - {first} + 1 else 1 end as {days}
            from {source(dated)}
        ),
        by_day as (select *, unnest(range({days}::BIGINT)) as {number} from spans)
        select *, {first} + {number}::INTEGER as {quote(HIDDEN + DAY)}{shares}
        from by_day order by {FILE_ROW}, {number}
        """,
    )
    return shaped, {
        **columns,
        **{name: quote(f"{HIDDEN}share {name}") for name in amounts},
        DAY: quote(HIDDEN + DAY),
    }


def _share(column: Column, value: str, number: str, days: str) -> str:
    """SQL of a day's share."""

    def up_to(end: str) -> str:
        share = f"round({value}::DOUBLE * {end} / {days}, {DIGITS[column.type]})"
        return f"case when {end} = {days} then {value} else {share}::{TYPES[column.type].sql} end"

    return f"{up_to(f'({number} + 1)')} - {up_to(number)}"
