"""What is wrong with the mappings of a files source that can be told without reading its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.errors import Problem, SourceError, one_of
from ingestion.settings import Scalar
from ingestion.sources.files.catalog import Catalog
from ingestion.sources.files.checking import reject_repeats
from ingestion.sources.files.confinement import confine
from ingestion.sources.files.hidden import POSITION, REASON
from ingestion.sources.files.histories import HISTORIES, check_values
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.mapping import map_entity
from ingestion.sources.files.mapping.rowset import relate
from ingestion.sources.files.parsing import NotSqlError, parse_expression
from ingestion.sources.files.reading import inline_table
from ingestion.sources.files.settings import EntityMapping, FilesSource, Input
from ingestion.sources.files.shapes.validation import (
    circle_problems,
    given,
    key_problems,
    shape_problems,
)
from ingestion.sources.files.values.casting import Zones
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb

Key = tuple[str | int, ...]

_MAY_BE_NAME = re.compile(r"([^()'\"+*,|=<>:;]|[:,] |\([^()'\"|=<>;]*\))+")
"""An expression that could be the name of a column as it stands."""


def find_problems(
    source: FilesSource, timezone: str, entities: Mapping[str, Entity]
) -> Iterator[Problem]:
    """Unknown names, missing files, expressions that are no SQL, rows that break the contract.

    `timezone` and `entities` are the company's. Keys are relative to the source.
    """
    import duckdb

    zones = Zones(source.timezone or timezone, timezone)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        confine(connection)
        catalog = Catalog.of(source)
        for view, files in source.views.items():
            yield from _missing_files(
                catalog, connection, ("views", view, "glob"), view, files.glob
            )

        def from_problems(key: Key, said: Input) -> Iterator[Problem]:
            assert said.from_ is not None
            return _missing_files(catalog, connection, (*key, "from"), said.from_, said.from_)

        yield from mapping_problems(connection, source.entities, zones, entities, from_problems)


def mapping_problems(
    connection: duckdb.DuckDBPyConnection,
    mappings: Mapping[str, EntityMapping],
    zones: Zones,
    entities: Mapping[str, Entity],
    from_problems: Callable[[Key, Input], Iterator[Problem]],
) -> Iterator[Problem]:
    """What is wrong with how entities are mapped; `from_problems` tells it of the `from` of one."""
    for name, mapping in mappings.items():
        key = ("entities", name)
        entity = entities.get(name)
        if entity is None:
            yield Problem(key, None, f"unknown entity; {one_of(name, entities)}")
        unknown = [*_unknown_columns(key, entity, mapping, mappings)] if entity else []
        yield from unknown
        if mapping.from_ is not None:
            yield from from_problems(key, mapping)
            yield from _expression_problems(connection, (*key, "columns"), mapping)
        elif entity and not unknown and mapping.is_plain:
            yield from _row_problems(connection, (*key, "rows"), entity, mapping, zones)
        for number, said in enumerate(mapping.also):
            also = (*key, "also", number)
            if entity and not (unknown := [*_unknown_columns(also, entity, said, mappings)]):
                yield from from_problems(also, said)
                yield from _expression_problems(connection, (*also, "columns"), said)
            else:
                yield from unknown
    yield from circle_problems(mappings)


def _missing_files(
    catalog: Catalog,
    connection: duckdb.DuckDBPyConnection,
    key: Key,
    origin: str,
    value: str,
) -> Iterator[Problem]:
    try:
        catalog.origin(connection, origin)
    except SourceError as error:
        yield Problem(key, value, str(error))


def _unknown_columns(
    key: Key, entity: Entity, mapping: Input, mappings: Mapping[str, EntityMapping]
) -> Iterator[Problem]:
    """Columns that the entity does not have, then those that it needs and are not mapped.

    Then what is wrong with the shape of its rows.
    """
    rows = mapping.rows if isinstance(mapping, EntityMapping) else None
    written: list[tuple[Key, Mapping[str, Scalar]]] = [
        ((*key, "rows", number), row) for number, row in enumerate(rows or ())
    ]
    if mapping.columns:
        written.append(((*key, "columns"), mapping.columns))
    for where, columns in written:
        for name, value in columns.items():
            if name not in entity.by_name:
                message = f"unknown column of {entity.name}; {one_of(name, entity.by_name)}"
                yield Problem((*where, name), value, message)
            elif isinstance(value, bool) and entity.by_name[name].type != "boolean":
                message = (
                    "YAML reads no, yes, on and off as true or false; put a column's name in quotes"
                )
                yield Problem((*where, name), value, message)
    if written:
        mapped = given(mapping).union(*(columns for _, columns in written))
        where = (*key, "columns" if mapping.columns else "rows")
        has_key = isinstance(mapping, EntityMapping) and mapping.key
        if entity.is_referenced and "source_id" not in mapped and not has_key:
            yield Problem(where, None, "'source_id' is missing: other entities point to it")
        for name in entity.needed:
            if name not in mapped:
                yield Problem(where, None, f"'{name}' is missing: {entity.name} need it")
    yield from shape_problems(key, entity, mapping, mappings)
    if isinstance(mapping, EntityMapping):
        yield from key_problems(key, entity, mapping)


def _expression_problems(
    connection: duckdb.DuckDBPyConnection, key: Key, mapping: Input
) -> Iterator[Problem]:
    for name, expression in (mapping.columns or {}).items():
        if isinstance(expression, str) and not _MAY_BE_NAME.fullmatch(expression):
            try:
                parse_expression(connection, expression)
            except NotSqlError as error:
                yield Problem((*key, name), expression, f"not an SQL expression: {error}")


def _row_problems(
    connection: duckdb.DuckDBPyConnection,
    key: Key,
    entity: Entity,
    mapping: EntityMapping,
    zones: Zones,
) -> Iterator[Problem]:
    """Rows written inline that would be rejected."""
    if not mapping.rows:
        yield Problem(key, None, "no rows")
        return
    table = inline_table(connection, f"§rows {entity.name}", mapping.rows, "company.yml")
    rowset = relate(connection, "", None, {table.name: table})
    mapped = f"§mapped {entity.name}"
    try:
        map_entity(connection, entity, mapping, rowset, zones, mapped)
        if entity.name == HISTORIES:
            used = expressions(entity, mapping, rowset)
            check_values(connection, mapped, rowset, used, zones)
    except SourceError as error:
        yield Problem(key, None, str(error))
        return
    has_ids = any("source_id" in row for row in mapping.rows)
    if key_columns := ("source_id",) if has_ids else entity.key:
        reject_repeats(connection, mapped, key_columns, f"§firsts {entity.name}")
    rejected = connection.execute(
        f"select {POSITION}, {REASON} from {quote(mapped)} "
        f"where {REASON} is not null order by {POSITION}"
    ).fetchall()
    for position, reason in rejected:
        yield Problem((*key, position), None, reason)
