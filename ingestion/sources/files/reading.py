"""Reads files into typed tables of an in-process DuckDB, row order kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.company import FileOptions
from ingestion.errors import SourceError
from ingestion.sources.files.catalog import Relation, format_of
from ingestion.sources.files.csv_files import BrokenLine, read_csv
from ingestion.sources.files.inference import infer_types
from ingestion.sources.files.sql import TEXT_OF, literal, quote
from ingestion.sources.files.xlsx_files import read_xlsx

if TYPE_CHECKING:
    import duckdb

Lines = Callable[[Sequence[int]], Sequence[int | None]]


@dataclass(frozen=True)
class Part:
    """One file's share of a table: `rows` rows from position `first` (the table's first is 0).

    `lines` gives the physical lines of rows of the file (from 0, ascending).
    """

    file: Path
    first: int
    rows: int
    broken: tuple[BrokenLine, ...]
    lines: Lines


@dataclass(frozen=True)
class Table:
    """A relation that was read: the table bears its name."""

    name: str
    parts: tuple[Part, ...]


def read(connection: duckdb.DuckDBPyConnection, relation: Relation, folder: Path) -> Table:
    """Read a relation's files into one table; several are united by column names.

    `folder` takes plain copies of compressed files. Raises SourceError naming the file that cannot
    be read.
    """
    names = [f"§part {number}" for number in range(len(relation.files))]
    parts: list[Part] = []
    for file, name in zip(relation.files, names, strict=True):
        broken, lines = _read_file(connection, file, name, relation.options, folder)
        first = parts[-1].first + parts[-1].rows if parts else 0
        parts.append(Part(file, first, _count(connection, name), broken, lines))
    rows = "(" + " union all by name ".join(f"from {quote(name)}" for name in names) + ")"
    _create_typed(connection, relation.name, rows, {format_of(file) for file in relation.files})
    for name in names:
        connection.execute(f"drop table {quote(name)}")
    return Table(relation.name, tuple(parts))


def _read_file(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    table: str,
    options: FileOptions,
    folder: Path,
) -> tuple[tuple[BrokenLine, ...], Lines]:
    import duckdb

    kind = format_of(file)
    if kind == "csv":
        text, broken = read_csv(connection, file, table, options, folder)
        return broken, lambda rows: text.lines(rows, broken)
    if kind == "xlsx":
        numbers = read_xlsx(connection, file, table, options.sheet)
        return (), lambda rows: [numbers[row] for row in rows]
    function = (
        f"read_parquet({literal(file)})"
        if kind == "parquet"
        else f"read_json({literal(file)}, sample_size = -1)"
    )
    try:
        connection.execute(f"create table {quote(table)} as from {function}")
    except duckdb.Error as error:
        raise SourceError(f"{file}: cannot be read ({str(error).splitlines()[0]})") from None
    return (), lambda rows: [row + 1 for row in rows]


def _create_typed(
    connection: duckdb.DuckDBPyConnection, name: str, rows: str, kinds: set[str | None]
) -> None:
    """Make the table from rows; text columns of formats without types get the types that fit.

    Where a type would rewrite a value's text (`1.10` as a double), the text is kept beside it.
    """
    columns = [quote(str(c[0])) for c in connection.execute(f"describe from {rows}").fetchall()]
    types = infer_types(connection, rows, columns) if kinds <= {"csv", "xlsx"} else {}
    typed = [f"{c}::{types[c]} as {c}" if c in types else c for c in columns]
    texts = [
        f"{column} as {quote(TEXT_OF + column[1:-1])}"
        for column in columns
        if types.get(column) == "DOUBLE"
    ]
    connection.execute(
        f"create table {quote(name)} as select {', '.join(typed + texts)} from {rows}"
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {quote(table)}").fetchone()
    assert row is not None
    return int(row[0])


def inline_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    rows: Sequence[Mapping[str, object]],
    file: Path,
) -> Table:
    """Rows written in company.yml as a table of text columns."""
    import pyarrow as pa

    columns = dict.fromkeys(column for row in rows for column in row)
    arrow = pa.table(
        {
            column: pa.array([_as_text(row.get(column)) for row in rows], pa.string())
            for column in columns
        }
    )
    connection.register("§inline", arrow)
    connection.execute(f'create or replace table {quote(name)} as from "§inline"')
    connection.unregister("§inline")
    return Table(name, (Part(file, 0, len(rows), (), lambda wanted: [None] * len(wanted)),))


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)
