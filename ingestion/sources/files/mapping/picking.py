"""What a mapping picks for a canonical column."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.errors import SourceError, first_line
from ingestion.sources.files.confinement import is_stopped
from ingestion.sources.files.hidden import HIDDEN, TEXT_OF
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.parsing import NotSqlError, bare_column, parse_expression
from ingestion.sources.files.values.casting import PLAIN, Form
from ingestion.sources.files.values.inference import TEXT
from ingestion.sources.files.values.numbers import Amount
from ingestion.warehouse.duckdb_sql import literal, quote

if TYPE_CHECKING:
    import duckdb

SHOWN = 200
"""How much of a value a reason shows."""


@dataclass(frozen=True)
class Picked:
    """What a mapping picks for a canonical column: SQL, its DuckDB type, and how it is written.

    `is_plain`: it is text that is known to be a number as it stands. `hint` is what would mend
    what does not fit. A guarded expression that fails on a row is NULL there; else it is a struct
    of its value.
    """

    column: Column
    sql: str
    type: str
    is_plain: bool = False
    is_guarded: bool = False
    form: Form = PLAIN
    hint: str | None = None

    @property
    def name(self) -> str:
        """The picked column's name."""
        return quote(HIDDEN + self.column.name)

    @property
    def selected(self) -> str:
        """SQL that picks it, for a select list."""
        sql = f"try(struct_pack(value := {self.sql}))" if self.is_guarded else self.sql
        return f"{sql} as {self.name}"

    @property
    def value(self) -> str:
        """SQL of the picked value; NULL where its expression fails."""
        return f"{self.name}['value']" if self.is_guarded else self.name

    @property
    def shown(self) -> str:
        """SQL of the value in words, as a reason begins."""
        return f"{literal(self.column.name + ' = ')} || left({self.value}::VARCHAR, {SHOWN})"

    @property
    def is_empty(self) -> str:
        """SQL of whether there is no value."""
        return f"{self.value} is null" + (f" or {self.value} = ''" if self.type == TEXT else "")

    @property
    def does_not_fit(self) -> str:
        """SQL of whether there is a value, and none once cast."""
        return f"({quote(self.column.name)} is null and not ({self.is_empty}))"

    @property
    def is_temporal(self) -> bool:
        """Whether it is cast to a date or a moment."""
        return self.column.type in ("date", "timestamp")

    @property
    def is_implausible(self) -> str:
        """The column that says whether a date or moment is of no day that may be."""
        return quote(f"{HIDDEN}implausible {self.column.name}")

    @property
    def currency(self) -> str | None:
        """SQL of the currency that is written with an amount, if any is."""
        return Amount(self.value).currency if self.form.is_marked else None


def pick_column(
    connection: duckdb.DuckDBPyConnection, rowset: RowSet, column: Column, expression: str
) -> Picked:
    """What an expression picks. A column by itself is picked as it was before it was typed."""
    import duckdb

    try:
        bare = bare_column(parse_expression(connection, expression))
        is_retyped = bare is not None and TEXT_OF + bare in rowset.columns
        is_plain = bool(bare) and is_retyped and rowset.columns[bare or ""] == "DOUBLE"
        sql = rowset.original(bare) if bare and is_retyped else f"(\n{expression}\n)"
        described = connection.execute(f"describe select {sql} from {quote(rowset.table)}")
        ((_, type_, *_),) = described.fetchall()
    except (NotSqlError, duckdb.Error) as error:
        if is_stopped(error):
            raise
        raise SourceError(
            f"columns.{column.name} = {expression!r}: {_said(error, rowset)} {rowset.offered}; "
            f"text that is meant as it stands is quoted twice, e.g. {column.name}: \"'text'\""
        ) from None
    if type_ == "JSON" and column.type != "text":
        sql, type_ = f"{sql} ->> '$'", TEXT
    return Picked(column, sql, type_, is_plain)


def _said(error: Exception, rowset: RowSet) -> str:
    """What DuckDB says of an expression; of a name that there is not, the one that is near."""
    missing = re.match(r'Binder Error: Referenced column "(.+?)" not found', str(error))
    if not missing:
        return f"{first_line(error)}."
    own = {name.lower(): name for name in rowset.own_columns}
    near = difflib.get_close_matches(missing[1].lower(), own, n=1, cutoff=0.7)
    guess = f"; did you mean '{own[near[0]]}'?" if near else "."
    return f"no column is called '{missing[1]}'{guess}"
