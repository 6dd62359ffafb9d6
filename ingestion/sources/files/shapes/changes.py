"""Histories that are not one row a change, as field changes: only what really changed."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.contract import ENTITIES, Column
from ingestion.duckdb_sql import STORED, literal, quote
from ingestion.sources.files.casting import Zones
from ingestion.sources.files.hidden import HIDDEN
from ingestion.sources.files.mapping import FILE_ROW, RowSet
from ingestion.sources.files.shapes.rows import (
    Bench,
    column_sql,
    fitted,
    problem_columns,
    source,
)
from ingestion.sources.files.shapes.settings import Intervals, Snapshots

CHANGED_AT = ENTITIES["field_changes"].by_name["changed_at"]
TEXT = Column("text", "text", "")

GIVEN = ("entity", "entity_id", "field", "old_value", "new_value", "changed_at", "changed_by")
"""The canonical columns that the rows have afterwards, each hidden under its name."""


def from_snapshots(bench: Bench, rowset: RowSet, said: Snapshots, zones: Zones) -> RowSet:
    """A change for each field that a row shows otherwise than the one before it, of one record.

    The first row tells the values that are there; where it has none, nothing is told. Rows of one
    moment follow one another as the file's other rows do, newest first or last. A row without
    record or moment stays, once, to be rejected.
    """
    fields = ENTITIES[said.entity].by_name
    columns = {"id": said.id, "at": said.at, **({"by": said.by} if said.by else {})}
    values = {
        field: column_sql(rowset, column, f"snapshots.fields.{field}")
        for field, column in said.fields.items()
    }
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


def from_intervals(bench: Bench, rowset: RowSet, said: Intervals, zones: Zones) -> RowSet:
    """A change for each row that shows another value than the one before it, of one record.

    Rows of one moment follow one another as they stand: those of one row of the file, as `unpivot`
    lists their columns.
    """
    began = column_sql(rowset, said.from_, "intervals.from")
    value = column_sql(rowset, said.value, "intervals.value")
    field = ENTITIES[said.entity].by_name[said.field]
    shown = {
        "id": _text(bench, rowset, column_sql(rowset, said.id, "intervals.id")),
        "new": _text(bench, rowset, value),
        "meant": _meant(bench, rowset, field, value, zones),
        "at": _text(bench, rowset, began),
        "moment": fitted(bench, rowset, CHANGED_AT, began, zones),
        "until": "NULL::TIMESTAMP",
        "wrong": "NULL::VARCHAR",
    }
    if said.to:
        ended = column_sql(rowset, said.to, "intervals.to")
        shown["until"] = fitted(bench, rowset, CHANGED_AT, ended, zones)
        shown["wrong"] = (
            f"case when {shown['until']} < {shown['moment']} then {literal(said.to + ' = ')} || "
            f"{_text(bench, rowset, ended)} || {literal(f': is before {said.from_}')} end"
        )
    sql = f"""
        with rows as (
            select {_named(shown)}, {FILE_ROW}, row_number() over () as {_own("nth")}
            from {source(rowset)}
        ),
        followed as (
            select *, lag({_own("new")}) over in_order as {_own("old")},
                lag({_own("meant")}) over in_order as {_own("meant before")}
            from rows
            window in_order as (
                partition by {_own("id")}
                order by {_own("moment")}, {_own("until")} nulls last, {FILE_ROW},
                    {_own("nth")})
        )
        select {_as_changes(said.entity, literal(said.field), "NULL::VARCHAR")},
            {_own("wrong")}, {FILE_ROW}
        from followed
        where {_own("meant")} is distinct from {_own("meant before")}
            or {_own("wrong")} is not null
        order by {FILE_ROW}, {_own("nth")}
    """
    changes = bench.reshaped(rowset, "changes", sql)
    told = f"select {problem_columns(changes, _own('wrong'))} from {source(changes)}"
    return bench.reshaped(changes, "told changes", told)


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
    meant = f"{fitted(bench, rowset, column, sql, zones)}::{STORED[column.type]}::VARCHAR"
    return f"coalesce({meant}, {_text(bench, rowset, sql)})"


def _own(name: str) -> str:
    return quote(f"{HIDDEN}{name}")


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} as {_own(name)}" for name, sql in columns.items())
