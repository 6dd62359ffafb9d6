"""Histories that are not one row a change, as field changes: only what really changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ingestion.contract.columns import Column
from ingestion.contract.entities import ENTITIES
from ingestion.contract.types import TYPES
from ingestion.sources.files.hidden import FILE_ROW, HIDDEN
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.shapes.references import some
from ingestion.sources.files.shapes.rows import (
    Bench,
    column_sql,
    fitted,
    problem_columns,
    source,
)
from ingestion.sources.files.shapes.settings import Intervals, Snapshots
from ingestion.sources.files.values.casting import Zones
from ingestion.warehouse.duckdb_sql import literal, quote

STAGE = "stage"
CHANGED_AT = ENTITIES["field_changes"].by_name["changed_at"]
TEXT = Column("text", "text", "")
_MINUTE, _DAY = "interval 1 minute", "interval 25 hours"  # one that the clocks are put back on

GIVEN = ("entity", "entity_id", "field", "old_value", "new_value", "changed_at", "changed_by")
"""The canonical columns that the rows have afterwards, each hidden under its name."""


def values_of(rowset: RowSet, said: Snapshots | Intervals) -> dict[str, str]:
    """SQL of the value of each field whose history it is."""
    if isinstance(said, Intervals):
        return {said.field: column_sql(rowset, said.value, "intervals.value")}
    return {
        field: column_sql(rowset, column, f"snapshots.fields.{field}")
        for field, column in said.fields.items()
    }


def from_snapshots(
    bench: Bench, rowset: RowSet, said: Snapshots, values: Mapping[str, str], zones: Zones
) -> RowSet:
    """A change for each field that a row shows otherwise than the one before it, of one record.

    The first row tells the values that are there; where it has none, nothing is told. Rows of one
    moment follow one another as the file's other rows do, newest first or last. A row without
    record or moment stays, once, to be rejected.
    """
    fields = ENTITIES[said.entity].by_name
    columns = {"id": said.id, "at": said.at, **({"by": said.by} if said.by else {})}
    at = column_sql(rowset, said.at, "snapshots.at")
    shown = {
        "by": "NULL::VARCHAR",
        **{
            name: _text(bench, rowset, column_sql(rowset, column, f"snapshots.{name}"))
            for name, column in columns.items()
        },
        "moment": fitted(bench, rowset, CHANGED_AT, at, zones),
        **{f"value {field}": _text(bench, rowset, value) for field, value in values.items()},
        **{
            f"meant {field}": _meant(bench, rowset, fields[field], value, zones)
            for field, value in values.items()
        },
    }
    rows = f"select {_named(shown)}, {FILE_ROW} from {source(rowset)}"
    known = f"{_own('id')} is not null and {_own('moment')} is not null"
    in_order = (
        f"(partition by {_own('id')} "
        f"order by {_own('moment')}, {FILE_ROW} * (select way from direction))"
    )
    changes = " union all ".join(
        f"""
        select {literal(field)} as {_own("field")}, {_own("id")}, {_own("at")}, {_own("by")},
            lag({_own("value " + field)}) over {in_order} as {_own("old")},
            {_own("value " + field)} as {_own("new")}, {FILE_ROW}
        from known
        qualify {_own("meant " + field)}
            is distinct from lag({_own("meant " + field)}) over {in_order}
        """
        for field in said.fields
    )
    first = next(iter(said.fields))
    sql = f"""
        with rows as ({rows}),
        known as (from rows where {known}),
        direction as (
            select case when count(*) filter (later) >= count(*) filter (not later)
                then 1 else -1 end as way
            from (
                select {_own("moment")} > lag({_own("moment")}) over (
                    partition by {_own("id")} order by {FILE_ROW}) as later,
                    {_own("moment")} = lag({_own("moment")}) over (
                    partition by {_own("id")} order by {FILE_ROW}) as same
                from known
            ) where not same
        ),
        changes as ({changes}),
        unknown as (
            select {literal(first)} as {_own("field")}, {_own("id")}, {_own("at")}, {_own("by")},
                NULL::VARCHAR as {_own("old")}, {_own("value " + first)} as {_own("new")},
                {FILE_ROW}
            from rows where not ({known})
        )
        select {_as_changes(said.entity, _own("field"), _own("by"))}, {FILE_ROW}
        from (from changes union all from unknown)
        order by {FILE_ROW}
    """
    return bench.reshaped(rowset, "changes", sql)


def from_intervals(
    bench: Bench, rowset: RowSet, said: Intervals, values: Mapping[str, str], zones: Zones
) -> tuple[RowSet, list[str]]:
    """A change for each row that shows another value than the one before it, of one record.

    Where a row ends before the next one begins, or is the last one, the value is emptied at its
    end, unless one before it goes on. An end that is yet to come has emptied nothing: many systems
    write 2099 for none. A stage is never empty: that such a record is nowhere for a
    while is a warning, as are intervals that begin before others have ended.

    Rows of one moment follow one another as they stand: those of one row of the file, as `unpivot`
    lists their columns.
    """
    stays = _stays(bench, rowset, said, values[said.field], zones)
    is_empty_after = "false" if said.field == STAGE else _own("is over")
    sql = f"""
        with stays as (
            select *, coalesce(lag({is_empty_after}) over in_order, false) as {_own("was empty")}
            from {source(stays)} window in_order as ({_IN_ORDER})
        ),
        changes as (
            select {_own("id")}, {_own("at")}, {_own("new")}, {_own("wrong")}, {FILE_ROW},
                {_own("nth")}, if({_own("was empty")}, NULL, {_own("old")}) as {_own("old")}
            from stays
            where {_own("meant")} is distinct from
                    if({_own("was empty")}, NULL, {_own("meant before")})
                or {_own("wrong")} is not null
            union all
            select {_own("id")}, {_own("end")}, NULL, NULL, {FILE_ROW}, {_own("nth")}, {_own("new")}
            from stays where {is_empty_after}
        )
        select {_as_changes(said.entity, literal(said.field), "NULL::VARCHAR")},
            {_own("wrong")}, {FILE_ROW}
        from changes
        order by {FILE_ROW}, {_own("nth")}, {_own("new")} is null
    """
    changes = bench.reshaped(stays, "changes", sql)
    told = f"select {problem_columns(changes, _own('wrong'))} from {source(changes)}"
    return bench.reshaped(changes, "told changes", told), list(_misfits(bench, stays, said))


_IN_ORDER = (
    f"partition by {quote(HIDDEN + 'id')} order by {quote(HIDDEN + 'moment')}, "
    f"{quote(HIDDEN + 'until')} nulls last, {FILE_ROW}, {quote(HIDDEN + 'nth')}"
)


def _stays(bench: Bench, rowset: RowSet, said: Intervals, value: str, zones: Zones) -> RowSet:
    """The intervals, each with what was before it and what comes next of its record.

    `is over`: nothing has followed its `end`, or only later; `is early`: the next one begins
    before it. Clocks differ by a minute; a bare day may be the last one of an interval, or the
    first one after it.
    """
    began = column_sql(rowset, said.from_, "intervals.from")
    field = ENTITIES[said.entity].by_name[said.field]
    shown = {
        "id": _text(bench, rowset, column_sql(rowset, said.id, "intervals.id")),
        "new": _text(bench, rowset, value),
        "meant": _meant(bench, rowset, field, value, zones),
        "at": _text(bench, rowset, began),
        "moment": fitted(bench, rowset, CHANGED_AT, began, zones),
        "until": "NULL::TIMESTAMP",
        "to": "NULL::VARCHAR",
        "wrong": "NULL::VARCHAR",
    }
    if said.to:
        ended = column_sql(rowset, said.to, "intervals.to")
        until, shown["to"] = (
            fitted(bench, rowset, CHANGED_AT, ended, zones),
            _text(bench, rowset, ended),
        )
        shown["until"] = (
            f"case when {until} >= {shown['moment']} and {shown['id']} is not null then {until} end"
        )
        shown["wrong"] = (
            f"case when {until} < {shown['moment']} then {literal(said.to + ' = ')} || "
            f"{shown['to']} || {literal(f': is before {said.from_}')} end"
        )
    next_, ends = _own("next"), _own("ends")
    days = [f"{_own(name)} not like '%:%'" for name in ("end", "next at")]
    sql = f"""
        with rows as (
            select {_named(shown)}, {FILE_ROW}, row_number() over () as {_own("nth")}
            from {source(rowset)}
        ),
        followed as (
            select *, lag({_own("new")}) over in_order as {_own("old")},
                lag({_own("meant")}) over in_order as {_own("meant before")},
                lead({_own("moment")}) over in_order as {next_},
                lead({_own("at")}) over in_order as {_own("next at")},
                max({_own("until")}) over so_far as {ends},
                arg_max({_own("to")}, {_own("until")}) over so_far as {_own("end")}
            from rows
            window in_order as ({_IN_ORDER}),
                so_far as ({_IN_ORDER} rows between unbounded preceding and current row)
        )
        select *,
            {_own("until")} is not null and {_own("new")} is not null and coalesce(
                {next_} - {ends} > if({" or ".join(days)}, {_DAY}, {_MINUTE}),
                {ends} <= timezone('UTC', now())
            ) as {_own("is over")},
            coalesce(
                {ends} - {next_} > if({" <> ".join(f"({day})" for day in days)}, {_DAY}, {_MINUTE}),
                false
            ) as {_own("is early")}
        from followed
    """
    return bench.reshaped(rowset, "stays", sql)


def _misfits(bench: Bench, stays: RowSet, said: Intervals) -> Iterator[str]:
    """Warnings of gaps between stages, and of intervals of one record that overlap."""
    gaps = "end before the next one of their record begins, which is then in no stage"
    early = "end after the next one of their record has begun, and count until then"
    over = f"{_own('is over')} and {_own('next')} is not null"
    told = {gaps: over} if said.field == STAGE else {}
    for message, which in {**told, early: _own("is early")}.items():
        rows = bench.connection.execute(f"""
            select {_own("id")}, {_own("end")}, {_own("next at")} from {quote(stays.table)}
            where {which} order by {FILE_ROW}, {_own("nth")}
        """).fetchall()
        if rows:
            yield f"intervals.to = {said.to!r}: {len(rows):,} intervals {message}: " + some(
                f"{id_!r} until {end}, next from {next_}" for id_, end, next_ in rows
            )


def given(name: str) -> str:
    """SQL of a canonical column of the changes."""
    return quote(f"{HIDDEN}change {name}")


def _as_changes(entity: str, field: str, by: str) -> str:
    values = {
        "entity": literal(entity),
        "entity_id": _own("id"),
        "field": field,
        "old_value": _own("old"),
        "new_value": _own("new"),
        "changed_at": _own("at"),
        "changed_by": by,
    }
    shown = [f"{sql} as {given(name)}" for name, sql in values.items()]
    visible = [f"{values[name]} as {quote(name)}" for name in ("entity_id", "field", "changed_at")]
    return ", ".join([*shown, *visible])


def _text(bench: Bench, rowset: RowSet, sql: str) -> str:
    """SQL of a value's text as it is written; blank is none."""
    return f"({fitted(bench, rowset, TEXT, sql, Zones('UTC', 'UTC'))})::VARCHAR"


def _meant(bench: Bench, rowset: RowSet, column: Column, sql: str, zones: Zones) -> str:
    """SQL of a text that is the same for values that are, however they are written."""
    meant = f"{fitted(bench, rowset, column, sql, zones)}::{TYPES[column.type].sql}::VARCHAR"
    return f"coalesce({meant}, {_text(bench, rowset, sql)})"


def _own(name: str) -> str:
    return quote(f"{HIDDEN}{name}")


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} as {_own(name)}" for name, sql in columns.items())
