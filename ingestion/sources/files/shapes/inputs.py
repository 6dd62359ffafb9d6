"""Entities that come from several inputs, and the order in which entities need one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestion.errors import SourceError
from ingestion.sources.files.hidden import FILE_ROW, POSITION, REASON
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.reading import Part, Table
from ingestion.sources.files.settings import EntityMapping, Input
from ingestion.sources.files.shapes.references import target_in
from ingestion.sources.files.shapes.rows import PROBLEM
from ingestion.warehouse.duckdb_sql import one_row, quote

if TYPE_CHECKING:
    import duckdb

DEALS, STAGES = "opportunities", "pipeline_stages"


def inputs(mapping: EntityMapping) -> tuple[Input, ...]:
    """The inputs that an entity is read from, its own first."""
    return (
        mapping,
        *(
            said.model_copy(update={"options": said.options.over(mapping.options)})
            for said in mapping.also
        ),
    )


def needs(entities: Mapping[str, EntityMapping], name: str) -> list[str]:
    """The other entities, before the entity itself, without which its rows cannot be made."""
    order: list[str] = []
    _visit(entities, name, (), order)
    return order[:-1]


def _visit(
    entities: Mapping[str, EntityMapping], name: str, above: tuple[str, ...], order: list[str]
) -> None:
    if name in above:
        way = " → ".join([*above[above.index(name) :], name])
        raise SourceError(f"match goes round in a circle: {way}")
    for needed in _needed(entities, name):
        if needed not in order:
            _visit(entities, needed, (*above, name), order)
    order.append(name)


def _needed(entities: Mapping[str, EntityMapping], name: str) -> Iterator[str]:
    if name == DEALS and STAGES in entities:
        yield STAGES
    for one in inputs(entities[name]):
        for column in one.match:
            target = target_in(name, one, column)
            if target in entities and target != name:
                yield target


def add_problems(connection: duckdb.DuckDBPyConnection, mapped: str, rowset: RowSet) -> None:
    """Give mapped rows what shaping found to be wrong with them as a reason."""
    if PROBLEM in rowset.columns:
        connection.execute(f"""
            update {quote(mapped)} as m set {REASON} = concat_ws('; ', {REASON}, r.{quote(PROBLEM)})
            from {quote(rowset.table)} as r
            where r.rowid = m.{POSITION} and r.{quote(PROBLEM)} is not null
        """)


def united(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[tuple[str, RowSet]],
    mapped: str,
    table: str,
) -> RowSet:
    """Make one table `mapped` of mapped inputs, and of their rows one RowSet in `table`."""
    if len(parts) == 1 and parts[0][0] == mapped:
        return parts[0][1]
    types: dict[str, set[str]] = {}
    for _, rowset in parts:
        for column, type_ in rowset.columns.items():
            types.setdefault(column, set()).add(type_)
    files: list[Part] = []
    rows, maps, position = [], [], 0
    for name, rowset in parts:
        first = files[-1].first + files[-1].rows if files else 0
        own = rowset.driver.parts if rowset.driver else ()
        files += [replace(part, first=part.first + first) for part in own]
        shift = f"{rowset.file_row} + {first}" if rowset.driver else "NULL::BIGINT"
        columns = [
            f"{quote(column)}{'::VARCHAR' if len(types[column]) > 1 else ''} as {quote(column)}"
            for column in rowset.columns
            if quote(column) != FILE_ROW
        ]
        rows.append(
            f"select {', '.join([*columns, f'{shift} as {FILE_ROW}'])} from {quote(rowset.table)}"
        )
        maps.append(
            f"select * replace ({POSITION} + {position} as {POSITION}, "
            f"{FILE_ROW} + {first} as {FILE_ROW}) from {quote(name)}"
        )
        (count,) = one_row(connection, f"select count(*) from {quote(rowset.table)}")
        position += count
    connection.execute(
        f"create or replace table {quote(table)} as {' union all by name '.join(rows)}"
    )
    connection.execute(
        f"create or replace table {quote(mapped)} as {' union all by name '.join(maps)}"
    )
    described = {c: t.pop() if len(t) == 1 else "VARCHAR" for c, t in types.items()}
    return RowSet(
        table, {**described, FILE_ROW.strip('"'): "BIGINT"}, Table(table, tuple(files)), FILE_ROW
    )
