"""Rows as a step of shaping finds and leaves them; columns that become rows; one row of several."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.errors import SourceError, one_of
from ingestion.settings import Scalar
from ingestion.sources.files.hidden import FILE_ROW, HIDDEN, TEXT_OF
from ingestion.sources.files.mapping.rowset import RowSet, relate
from ingestion.sources.files.parsing import column_names, parse_expression
from ingestion.sources.files.shapes.periods import first_days
from ingestion.sources.files.shapes.settings import Unpivot
from ingestion.sources.files.values.casting import Zones, cast
from ingestion.sources.files.values.evidence import Values, form_of
from ingestion.warehouse.duckdb_sql import literal, one_row, quote

if TYPE_CHECKING:
    import duckdb

PROBLEM = f"{HIDDEN}problem"
"""The column of what shaping found to be wrong with a row."""

_BLANKS = r"[\s\x{A0}\x{2000}-\x{200B}\x{202F}\x{3000}\x{FEFF}]+"
_PYTHON_BLANKS = re.compile("[\\s\u00a0\u2000-\u200b\u202f\u3000\ufeff]+")


@dataclass(frozen=True)
class Bench:
    """Where the rows of one input of an entity are shaped: its tables bear its `name`."""

    connection: duckdb.DuckDBPyConnection
    name: str

    def reshaped(self, rowset: RowSet, step: str, sql: str) -> RowSet:
        """The rows that `sql` makes of `source(rowset)`, still knowing their rows in the file."""
        shaped = relate(self.connection, f"§{step} {self.name}", sql, {})
        return replace(
            rowset,
            table=shaped.table,
            columns=shaped.columns,
            file_row=FILE_ROW,
            made_of=(*rowset.made_of, *shaped.made_of),
        )


def source(rowset: RowSet) -> str:
    """SQL, to follow `from`, of the rows with their rows in the file."""
    if FILE_ROW in map(quote, rowset.columns):
        return quote(rowset.table)
    return f"(select *, {rowset.file_row} as {FILE_ROW} from {quote(rowset.table)})"


def column_sql(rowset: RowSet, text: str, key: str) -> str:
    """SQL of a column by its name, whatever its case. SourceError names those that there are."""
    own = {name.lower(): name for name in rowset.own_columns}
    if text.lower() not in own:
        raise SourceError(f"{key} = {text!r}: no such column; {one_of(text, rowset.own_columns)}")
    return rowset.original(own[text.lower()])


def fitted(bench: Bench, rowset: RowSet, column: Column, sql: str, zones: Zones) -> str:
    """SQL of an expression over the rows, cast to a canonical column as it is written there.

    It is NULL where a value does not fit. Raises SourceError where it is unsure how it is written.
    """
    connection, value = bench.connection, quote(f"{HIDDEN}fitted")
    rows = f"(select (\n{sql}\n) as {value} from {source(rowset)})"
    type_ = str(connection.execute(f"describe from {rows}").fetchall()[0][1])
    style, formats = rowset.writing(column_names(parse_expression(connection, sql)))
    values = Values(column, rows, value, type_, rowset.origin)
    form, _ = form_of(connection, values, zones, style, formats)
    return f"({cast(column, f'({sql})', type_, zones, form)})"


def folded(sql: str) -> str:
    """SQL of a text without what people do not see: case, blanks and the form of its letters."""
    blanks = f"regexp_replace({sql}::VARCHAR, {literal(_BLANKS)}, ' ', 'g')"
    return f"lower(nfc_normalize(trim({blanks})))"


def fold(text: str) -> str:
    """The same of a text."""
    return unicodedata.normalize("NFC", _PYTHON_BLANKS.sub(" ", text).strip()).lower()


def problem_columns(rowset: RowSet, problem: str) -> str:
    """SQL of all columns, with `problem` (NULL: nothing) added to what is wrong."""
    known = [quote(PROBLEM)] if PROBLEM in rowset.columns else []
    together = f"nullif(concat_ws('; ', {', '.join([*known, problem])}), '') as {quote(PROBLEM)}"
    return f"* exclude ({known[0]}), {together}" if known else f"*, {together}"


def unpivoted(bench: Bench, rowset: RowSet, unpivot: Unpivot) -> RowSet:
    """A row for each cell of some columns that is not empty."""
    names = _row_names(unpivot)
    cells = {column: column_sql(rowset, column, "unpivot.columns") for column in unpivot.columns}
    structs = ", ".join(
        f"{{'name': {literal(names[column])}, 'value': ({sql})::VARCHAR}}"
        for column, sql in cells.items()
    )
    gone = {column.lower() for column in unpivot.columns}
    kept = [
        quote(name)
        for name in rowset.columns
        if name.lower().removeprefix(TEXT_OF) not in gone and quote(name) != FILE_ROW
    ]
    for key, made in (("name", unpivot.name), ("value", unpivot.value)):
        there = [name for name in rowset.own_columns if name.lower() not in gone]
        if made.lower() in map(str.lower, there):
            raise SourceError(
                f"unpivot.{key} = {made!r}: there is a column of that name already, which would "
                f"hide the new one; call it otherwise"
            )
    cell = quote(f"{HIDDEN}cell")
    return bench.reshaped(
        rowset,
        "unpivoted",
        f"""
        select * exclude ({cell}), {cell}['name'] as {quote(unpivot.name)},
            {cell}['value'] as {quote(unpivot.value)}
        from (
            select {"".join(f"{name}, " for name in kept)}{FILE_ROW}, unnest([{structs}]) as {cell}
            from {source(rowset)}
        )
        where trim({cell}['value']) <> ''
        """,
    )


def _row_names(unpivot: Unpivot) -> dict[str, Scalar]:
    """What each column is called in its rows."""
    if isinstance(unpivot.columns, dict):
        return unpivot.columns
    days = first_days(unpivot.columns)
    return dict(zip(unpivot.columns, days or unpivot.columns, strict=True))


def one_of_each(bench: Bench, rowset: RowSet, column: str) -> tuple[RowSet, list[str]]:
    """The first row of each value of a column, spelled as most are.

    Values that differ in what people do not see are one. Warns of these, and of rows without value.
    """
    value = column_sql(rowset, column, "one_per")
    key, spelling = (quote(f"{HIDDEN}{name}") for name in ("key", "spelling"))
    keyed = (
        f"(select *, {folded(value)} as {key}, {value}::VARCHAR as {spelling} "
        f"from {source(rowset)})"
    )
    counted = f"select {key}, {spelling}, count(*) as n from {keyed} where {key} <> '' group by all"
    shaped = bench.reshaped(
        rowset,
        "single",
        f"""
        with rows as (select *, row_number() over () as {quote(HIDDEN + "nth")} from {keyed}),
        counted as (
            select *, count(*) over (partition by {key}, {spelling}) as {quote(HIDDEN + "n")}
            from rows where {key} <> ''
        )
        select * exclude ({key}, {spelling}, {quote(HIDDEN + "nth")}, {quote(HIDDEN + "n")})
        from counted
        qualify row_number() over (
            partition by {key} order by {quote(HIDDEN + "n")} desc, {quote(HIDDEN + "nth")}) = 1
        order by {quote(HIDDEN + "nth")}
        """,
    )
    varied = bench.connection.execute(f"""
        select list({spelling} order by n desc, {spelling}), list(n order by n desc, {spelling})
        from ({counted}) group by {key} having count(*) > 1 order by {key}
    """).fetchall()
    blank, rows = one_row(
        bench.connection,
        f"select count(*) filter ({key} is null or {key} = ''), count(*) from {keyed}",
    )
    left_out = f"one_per = {column!r}: {blank:,} of {rows:,} rows have none, and are left out"
    warnings = [left_out] if blank else []
    warnings += [
        f"one_per = {column!r}: "
        + " and ".join(f"{s!r} ({n:,} rows)" for s, n in zip(spellings, counts, strict=True))
        + f" are taken for one, as {spellings[0]!r}; spell them alike at the source"
        for spellings, counts in varied
    ]
    return shaped, warnings
