"""Maps a relation's rows to an entity's canonical columns, and finds those that do not fit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.company import EntityMapping, Scalar
from ingestion.contract import Column, Entity
from ingestion.errors import SourceError
from ingestion.sources.files.casting import EXPECTED, STORED, Zones, cast
from ingestion.sources.files.parsing import (
    NotSqlError,
    bare_column,
    column_names,
    driving_table,
    parse,
    parse_expression,
    select_also,
)
from ingestion.sources.files.reading import Table
from ingestion.sources.files.sql import HIDDEN, TEXT_OF, literal, quote

if TYPE_CHECKING:
    import duckdb

POSITION = quote(f"{HIDDEN}position")
FILE_ROW = quote(f"{HIDDEN}row")
REASON = quote(f"{HIDDEN}reason")


@dataclass(frozen=True)
class Relation:
    """The rows that an entity is mapped from: a DuckDB table, its columns with their types.

    `driver` is the file table whose rows they are, one for one or fewer; `file_row` the SQL of
    the position in it.
    """

    table: str
    columns: Mapping[str, str]
    driver: Table | None
    file_row: str

    @property
    def own_columns(self) -> dict[str, str]:
        """The columns that are the user's."""
        return {name: t for name, t in self.columns.items() if not name.startswith(HIDDEN)}


def relate(
    connection: duckdb.DuckDBPyConnection, name: str, sql: str | None, tables: Mapping[str, Table]
) -> Relation:
    """The relation of a `from`: its one table, or the result of its SQL, kept as table `name`.

    Raises SourceError when the SQL does not hold.
    """
    import duckdb

    if sql is None:
        (table,) = tables.values()
        return Relation(table.name, _describe(connection, table.name), table, "rowid")
    driving = driving_table(parse(connection, sql))
    driver = tables.get(driving[0].lower()) if driving else None
    create = f"create or replace table {quote(name)} as "
    try:
        if driving and driver:
            row = f"{quote(driving[1])}.rowid"
            try:
                connection.execute(create + select_also(connection, sql, f"{row} as {FILE_ROW}"))
                columns = _describe(connection, name)
                return Relation(name, columns, driver, FILE_ROW)
            except duckdb.BinderException:
                pass  # an aggregate without groups: its row is no file's row
        connection.execute(create + sql)
    except duckdb.Error as error:
        raise SourceError(_first_line(error)) from None
    return Relation(name, _describe(connection, name), None, "rowid")


def map_entity(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    mapping: EntityMapping,
    relation: Relation,
    zones: Zones,
    target: str,
) -> None:
    """Make table `target`: one row per row of the relation.

    Columns: `§position` in the relation, `§row` in the file, every canonical column cast,
    `source_extra`, `row_hash`, and `§reason`: what is wrong with the row, NULL when nothing is.
    Raises SourceError with the key of the expression that does not hold.
    """
    picked = _pick(connection, entity, mapping, relation)
    columns = list(entity.by_name.values())
    types = {name: type_ for name, (_, type_) in picked.items()}

    def value(column: Column) -> str:
        return quote(HIDDEN + column.name)

    selected = [f"{sql} as {quote(HIDDEN + name)}" for name, (sql, _) in picked.items()]
    typed = [
        f"{cast(c, value(c), types[c.name], zones) if c.name in picked else 'NULL'}"
        f"::{STORED[c.type]} as {quote(c.name)}"
        for c in columns
    ]
    problems = ", ".join(
        problem for c in columns for problem in _problems(c, value(c), c.name in picked)
    )
    others = ", ".join(quote(c.name) for c in columns if c.name != "source_id")
    connection.execute(
        f"create or replace table {quote(target)} as "
        f"with picked as (select rowid as {POSITION}, {relation.file_row} as {FILE_ROW}, "
        f"{_extra(connection, mapping, relation)} as source_extra, {', '.join(selected)} "
        f"from {quote(relation.table)}), "
        f"typed as (select *, {', '.join(typed)} from picked) "
        f"select {POSITION}, {FILE_ROW}, {source_id_sql(entity, 'source_id' in picked)} "
        f"as source_id, {others}, source_extra, {row_hash_sql(entity)} as row_hash, "
        f"nullif(concat_ws('; ', {problems}), '') as {REASON} from typed"
    )


def row_hash_sql(entity: Entity) -> str:
    """SQL of the hash of a row's values, 63 bits: the same for the same values in any version.

    Values that are missing leave no trace, so that a new column changes no hash.
    """
    values = [column for name, column in entity.by_name.items() if name != "source_id"]
    return f"(md5_number_lower({_values(values)}) >> 1)::BIGINT"


def source_id_sql(entity: Entity, is_mapped: bool) -> str:
    """SQL of the id of a row: the source's, else a hash of its key, else of all its values."""
    if is_mapped:
        return "source_id"
    key = [entity.by_name[name] for name in entity.key] or entity.columns
    return f"md5({_values(key)})"


def _values(columns: Iterable[Column]) -> str:
    """SQL of a text that differs when any of the columns differs."""
    pairs = ", ".join(f"{literal(c.name + '=')} || {quote(c.name)}::VARCHAR" for c in columns)
    return f"concat_ws(chr(31), {pairs})"


def expressions(entity: Entity, mapping: EntityMapping, relation: Relation) -> dict[str, str]:
    """The SQL expression of each canonical column that is mapped."""
    if mapping.columns is not None:
        return {name: _expression(value) for name, value in mapping.columns.items()}
    own = {name.lower(): name for name in relation.own_columns}
    return {name: quote(own[name]) for name in entity.by_name if name in own}


def _pick(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    mapping: EntityMapping,
    relation: Relation,
) -> dict[str, tuple[str, str]]:
    """The SQL and DuckDB type of each mapped column. What is a column of text, bare, stays so."""
    import duckdb

    picked = {}
    for name, expression in expressions(entity, mapping, relation).items():
        try:
            bare = bare_column(parse_expression(connection, expression))
            text = next((c for c in relation.columns if bare and c == TEXT_OF + bare), None)
            sql = quote(text) if text else f"(\n{expression}\n)"
            described = connection.execute(
                f"describe select {sql} from {quote(relation.table)}"
            ).fetchone()
        except (NotSqlError, duckdb.Error) as error:
            raise SourceError(
                f"columns.{name} = {expression!r}: {_first_line(error)}. Columns there are: "
                f"{', '.join(relation.own_columns)}; a constant is written in quotes: \"'text'\""
            ) from None
        assert described is not None
        picked[name] = (sql, str(described[1]))
    return picked


def _extra(
    connection: duckdb.DuckDBPyConnection, mapping: EntityMapping, relation: Relation
) -> str:
    """SQL of a JSON object of the columns that no expression refers to."""
    return "NULL::VARCHAR"


def _problems(column: Column, value: str, is_mapped: bool) -> list[str]:
    """SQL of each thing that can be wrong with a column's value, NULL when it is not."""
    name = quote(column.name)
    shown = f"left({value}::VARCHAR, 100)"

    def problem(condition: str, what: str) -> str:
        text = f"{literal(column.name + ' = ')} || {shown} || {literal(': ' + what)}"
        return f"case when {condition} then {text} end"

    if not is_mapped:
        return []
    problems = [
        problem(
            f"{name} is null and nullif({value}::VARCHAR, '') is not null",
            f"expected {EXPECTED[column.type]}",
        )
    ]
    if column.required:
        missing = f"nullif({value}::VARCHAR, '') is null"
        problems.append(f"case when {missing} then {literal(column.name + ': missing')} end")
    if column.allowed:
        allowed = ", ".join(literal(text) for text in column.allowed)
        problems.append(
            problem(f"{name} not in ({allowed})", f"expected one of {', '.join(column.allowed)}")
        )
    if column.minimum is not None:
        problems.append(
            problem(f"{name} < {column.minimum}", f"expected {column.minimum:g} or more")
        )
    if column.maximum is not None:
        problems.append(
            problem(f"{name} > {column.maximum}", f"expected {column.maximum:g} or less")
        )
    return problems


def _expression(value: Scalar) -> str:
    """A value of company.yml as SQL: text is an expression, all else is a constant."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "NULL"
    if isinstance(value, dt.datetime):
        return f"{'TIMESTAMPTZ' if value.tzinfo else 'TIMESTAMP'} {literal(value)}"
    if isinstance(value, dt.date):
        return f"DATE {literal(value)}"
    return str(value)


def _describe(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {
        str(row[0]): str(row[1])
        for row in connection.execute(f"describe {quote(table)}").fetchall()
    }


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
