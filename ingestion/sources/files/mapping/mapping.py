"""Maps rows to an entity's canonical columns, and finds those that do not fit the contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.contract.types import TYPES
from ingestion.errors import Gathered, SourceError, first_line
from ingestion.sources.files.confinement import is_stopped
from ingestion.sources.files.hidden import FILE_ROW, POSITION, REASON
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.identity import row_hash, source_id
from ingestion.sources.files.mapping.picking import Picked, pick_column
from ingestion.sources.files.mapping.reasons import currency_problems, problems_of
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.parsing import column_names, parse_expression, ungrouped
from ingestion.sources.files.settings import Input
from ingestion.sources.files.values.casting import Zones, cast, is_plausible, temporal
from ingestion.sources.files.values.evidence import Values, form_of, misfits, refuse_doubtful
from ingestion.sources.files.values.hints import remedy
from ingestion.sources.files.values.inference import TEXT
from ingestion.sources.files.values.numbers import Style
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb


def map_entity(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    mapping: Input,
    rowset: RowSet,
    zones: Zones,
    target: str,
    currency: str | None = None,
) -> tuple[str, ...]:
    """Make table `target`: a row for each row of the rowset. What about it deserves a look.

    Its columns: POSITION in the rowset and FILE_ROW in the file (both from 0), the canonical
    columns cast, `source_extra`, `row_hash`, and REASON: what is wrong with the row, NULL when
    nothing is. An id that cannot be known is NULL. `currency` is the company's. Raises SourceError
    naming every expression that fails, or numbers of which it is unsure what they are.
    """
    import duckdb

    used, wrong = expressions(entity, mapping, rowset), Gathered()
    picked: list[Picked] = []
    for name, sql in used.items():
        with wrong.each():
            picked.append(pick_column(connection, rowset, entity.by_name[name], sql))
    wrong.raise_any()
    extra = _extra(connection, rowset, used.values())

    def make(picked: Sequence[Picked]) -> tuple[str, ...]:
        known, said = formed(connection, rowset, used, picked, zones)
        connection.execute(_mapped(entity, rowset, known, extra, zones, target, currency))
        return said

    try:
        return make(picked)
    except duckdb.Error as error:
        if is_stopped(error):
            raise
        # An expression fails on some row: reject only the rows on which it does.
        try:
            return make([replace(pick, is_guarded=True) for pick in picked])
        except duckdb.Error:
            raise SourceError(f"columns: {first_line(error)}") from None


def formed(
    connection: duckdb.DuckDBPyConnection,
    rowset: RowSet,
    used: Mapping[str, str],
    picked: Iterable[Picked],
    zones: Zones,
) -> tuple[list[Picked], tuple[str, ...]]:
    """What is picked, with how it is written as options and whole columns tell; what to say."""
    found, said = [], []
    for pick in picked:
        tree = parse_expression(connection, used[pick.column.name])
        names = list(column_names(tree))
        read = replace(rowset, ungrouped=rowset.ungrouped | {*ungrouped(tree)})
        for doubt in read.doubts(names):
            refuse_doubtful(pick.column, doubt, pick.type)
        writing: tuple[Style | None, tuple[str, ...]] = (None, ())
        if pick.column.type != "text" and (pick.type == TEXT or pick.is_temporal):
            writing = written(rowset, pick.column.name, names)
        rows = f"(select {pick.selected} from {quote(rowset.table)})"
        is_plain = pick.is_plain and writing[0] is None
        values = Values(pick.column, rows, pick.value, pick.type, rowset.origin, is_plain)
        form, note = form_of(connection, values, zones, *writing)
        mend = remedy(pick.column.type, misfits(connection, values, zones, form))
        found.append(replace(pick, form=form, hint=mend))
        said += [note] if note else []
    return found, tuple(said)


def written(
    rowset: RowSet, column: str, names: Iterable[str]
) -> tuple[Style | None, tuple[str, ...]]:
    """How numbers and dates are written in what a column is made of. SourceError: nobody knows."""
    try:
        return rowset.writing(names)
    except SourceError as error:
        raise SourceError(f"columns.{column}: {error}") from None


def _extra(connection: duckdb.DuckDBPyConnection, rowset: RowSet, used: Iterable[str]) -> str:
    """SQL of a JSON object of the columns that no expression refers to."""
    named = {
        name.lower()
        for expression in used
        for name in column_names(parse_expression(connection, expression))
    }
    return rowset.as_json(c for c in rowset.own_columns if c.lower() not in named)


def _mapped(
    entity: Entity,
    rowset: RowSet,
    picked: Sequence[Picked],
    extra: str,
    zones: Zones,
    target: str,
    currency: str | None,
) -> str:
    """The statement that makes the mapped table."""
    casts = _casts(entity, picked, zones)
    typed = ", ".join(
        f"{casts.get(name, 'NULL')}::{TYPES[column.type].sql} as {quote(name)}"
        for name, column in entity.by_name.items()
    )
    days = [(p, quote(p.column.name)) for p in picked if p.is_temporal]
    plausible = ", ".join(
        f"case when {is_plausible(name)} then {name} end as {name}" for _, name in days
    )
    checked = f" replace ({plausible})" if days else ""
    checked += "".join(f", not ({is_plausible(name)}) as {p.is_implausible}" for p, name in days)
    names = ", ".join(quote(name) for name in entity.by_name if name != "source_id")
    problems = [problem for pick in picked for problem in problems_of(pick)]
    problems += currency_problems(entity, picked, currency)
    return f"""
        create or replace table {quote(target)} as
        with picked as (
            select rowid as {POSITION}, {rowset.file_row} as {FILE_ROW},
                {extra} as source_extra, {", ".join(pick.selected for pick in picked)}
            from {quote(rowset.table)}
        ),
        typed as (select *, {typed} from picked),
        checked as (select *{checked} from typed)
        select {POSITION}, {FILE_ROW}, {source_id(entity, picked)} as source_id, {names},
            source_extra, {row_hash(entity)} as row_hash,
            nullif(concat_ws('; ', {", ".join(problems)}), '') as {REASON}
        from checked
    """


def _casts(entity: Entity, picked: Sequence[Picked], zones: Zones) -> dict[str, str]:
    """SQL of the values of canonical columns; a currency is also taken from amounts that name it.

    Dates and moments are cast whether they are plausible or not.
    """
    casts = {"is_deleted": "false"}
    for p in picked:
        empty = casts.get(p.column.name)
        read = temporal if p.is_temporal else cast
        sql = read(p.column, p.value, p.type, zones, p.form)
        casts[p.column.name] = (
            f"case when {p.is_empty} then {empty} else {sql} end" if empty else sql
        )
    if "currency" in entity.by_name:
        named = [p.currency for p in picked if p.currency]
        codes = [f"case when length({code}) = 3 then {code} end" for code in named]
        if codes:
            casts["currency"] = f"coalesce({', '.join([casts.get('currency', 'NULL'), *codes])})"
    return casts
