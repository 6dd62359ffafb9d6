"""Reads files into typed tables of an in-process DuckDB, row order kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import Gathered, SourceError, first_line
from ingestion.sources.files.catalog import Relation, format_of
from ingestion.sources.files.formats.broken_lines import BrokenLine
from ingestion.sources.files.formats.csv_files import read_csv
from ingestion.sources.files.formats.json_files import read_json
from ingestion.sources.files.formats.limits import refuse_wide
from ingestion.sources.files.formats.xlsx_errors import cell_name
from ingestion.sources.files.formats.xlsx_files import read_xlsx
from ingestion.sources.files.hidden import TEXT_OF
from ingestion.sources.files.set_aside import BadCell, Lines, Tidied, tidy
from ingestion.sources.files.values.evidence import Doubt, doubts_of
from ingestion.sources.files.values.inference import ALL, TEMPORAL, TEXT, infer_types
from ingestion.sources.files.values.numbers import Style, said_style
from ingestion.sources.files.values.typed_columns import typed_columns
from ingestion.warehouse.duckdb_sql import one_row, path_literal, quote, register

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Part:
    """One file's share of a table: `rows` rows from position `first`, the table's first being 0.

    `name` is the file's, relative to the source's folder. `header` says which line of it names the
    columns, where one does; `cells` are its bad ones, by rows of the part; `letters` are those of
    a sheet's columns by their names. `notes` say what of the file was not taken for rows;
    `repeated` are the names that several columns of it have, with what those are called instead.
    `swallowed` are values that may be records themselves; `ends_in` is the last line where it does
    not end.
    """

    name: str
    first: int
    rows: int
    lines: Lines
    broken: tuple[BrokenLine, ...] = ()
    header: str | None = None
    cells: tuple[BadCell, ...] = ()
    letters: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    swallowed: tuple[str, ...] = ()
    ends_in: int | None = None

    def cell(self, cell: BadCell) -> str:
        """The name of a bad cell: `B7` of a sheet, else its column."""
        if cell.column not in self.letters:
            return cell.column
        return f"{self.letters[cell.column]}{self.lines([cell.row])[0]}"


@dataclass(frozen=True)
class Table:
    """Files that were read: the DuckDB table `name` holds the rows of each part in turn.

    Numbers and dates in its text are of `style` and `formats`, where options say so. `doubts` are
    its columns with numbers that may be in groups, though nobody says so: of each file by itself.
    """

    name: str
    parts: tuple[Part, ...]
    columns: tuple[str, ...] = ()
    style: Style | None = None
    formats: tuple[str, ...] = ()
    doubts: tuple[tuple[str, Doubt], ...] = ()


@dataclass(frozen=True)
class _Content:
    """What a file was read as: which of its columns are text that may be of another type."""

    texts: tuple[str, ...]
    types: tuple[str, ...]
    lines: Lines
    names: tuple[str, ...] = ()
    broken: tuple[BrokenLine, ...] = ()
    header: str | None = None
    letters: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    swallowed: tuple[str, ...] = ()
    ends_in: int | None = None


def read(
    connection: duckdb.DuckDBPyConnection, relation: Relation, root: Path, folder: Path
) -> Table:
    """Read the files of a relation into a table of its name, united by the names of columns.

    The source's folder is `root`; `folder` takes copies of files that DuckDB cannot read as they
    are. Raises SourceError naming all files that cannot be read.
    """
    names = [f"§part {number}" for number in range(len(relation.files))]
    try:
        parts, contents = _read_parts(connection, relation, names, root, folder)
        table, stay_text = _create_typed(connection, relation, names, contents)
        doubts = tuple(_doubts(connection, table, parts, names, stay_text))
    finally:
        for name in names:
            connection.execute(f"drop table if exists {quote(name)}")
    return replace(table, parts=tuple(parts), doubts=doubts)


def _read_parts(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    names: Sequence[str],
    root: Path,
    folder: Path,
) -> tuple[list[Part], list[_Content]]:
    """Read each file of a relation into the table of its name among `names`."""
    parts: list[Part] = []
    contents: list[_Content] = []
    wrong = Gathered()
    for path, name in zip(relation.files, names, strict=True):
        with wrong.each():
            content = _read_file(connection, path, name, relation, folder)
            tidied = _tidied(connection, name, content, relation)
            first = parts[-1].first + parts[-1].rows if parts else 0
            (rows,) = one_row(connection, f"select count(*) from {quote(name)}")
            parts.append(
                Part(
                    path.relative_to(root).as_posix(),
                    first,
                    rows,
                    tidied.lines,
                    content.broken,
                    content.header,
                    tidied.cells,
                    content.letters,
                    (*content.notes, *tidied.notes),
                    _repeated(content),
                    content.swallowed,
                    content.ends_in,
                )
            )
            contents.append(content)
    wrong.raise_any()
    return list(_compared(connection, parts, names)), contents


def inline_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    rows: Sequence[Mapping[str, object]],
    file: str,
) -> Table:
    """Rows written in company.yml, as a table of text columns."""
    import pyarrow as pa

    columns = dict.fromkeys(column for row in rows for column in row)
    texts = {
        column: pa.array(
            [None if row.get(column) is None else str(row[column]) for row in rows], pa.string()
        )
        for column in columns
    }
    with register(connection, "§inline", pa.table(texts)):
        connection.execute(f'create table {quote(name)} as from "§inline"')
    return Table(name, (Part(file, 0, len(rows), lambda wanted: [None] * len(wanted)),))


def _read_file(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, relation: Relation, folder: Path
) -> _Content:
    kind = format_of(path)
    if kind == "csv":
        csv = read_csv(connection, path, table, relation.options, folder)
        return _Content(
            csv.columns,
            ALL,
            csv.lines,
            csv.header.names,
            csv.broken,
            f"line {csv.header.line} of {path.name}",
            notes=csv.notes,
            swallowed=csv.swallowed,
            ends_in=csv.ends_in,
        )
    if kind == "xlsx":
        sheet = read_xlsx(connection, path, table, relation.options)
        letters = {
            column: cell_name(0, index).rstrip("1")
            for column, index in zip(sheet.columns, sheet.indexes, strict=True)
        }
        return _Content(
            sheet.columns,
            ALL,
            lambda rows: [sheet.numbers[row] for row in rows],
            sheet.header,
            header=f"row {sheet.header_row} of sheet '{sheet.sheet}' of {path.name}",
            letters=letters,
            notes=sheet.notes,
        )
    if kind == "json":
        return _Content(read_json(connection, path, table, folder), TEMPORAL, _row_numbers)
    _read_parquet(connection, path, table)
    return _Content((), (), _row_numbers)


def _tidied(
    connection: duckdb.DuckDBPyConnection, table: str, content: _Content, relation: Relation
) -> Tidied:
    """What is left of a file's rows once those are gone that are no records: of text, of sheets."""
    if not content.names:
        return Tidied(content.lines, (), ())
    is_end_said = relation.options.footer_rows is not None
    return tidy(connection, table, content.texts, content.names, content.lines, is_end_said)


def _repeated(content: _Content) -> dict[str, tuple[str, ...]]:
    """The names in a file's header that several columns have, and the columns."""
    columns: dict[str, list[str]] = {}
    for name, column in zip(content.names, content.texts, strict=bool(content.names)):
        columns.setdefault(name.strip().lower(), []).append(column)
    return {its[0]: tuple(its) for name, its in columns.items() if name and len(its) > 1}


def _compared(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], tables: Sequence[str]
) -> Iterator[Part]:
    """Parts that also tell which columns they lack that others have."""
    columns = [
        {row[0].lower(): row[0] for row in connection.execute(f"describe {quote(t)}").fetchall()}
        for t in tables
    ]
    every = {key: name for one in columns for key, name in one.items()}
    for part, own in zip(parts, columns, strict=True):
        lacking = [name for key, name in every.items() if key not in own]
        if lacking:
            header = f" ({part.header} names its columns)" if part.header else ""
            note = f"it lacks what others have: {', '.join(lacking)}{header}"
            part = replace(part, notes=(*part.notes, note))
        yield part


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> None:
    import duckdb

    source = f"from read_parquet({path_literal(path)})"
    try:
        refuse_wide(path, len(connection.execute(f"describe {source}").fetchall()))
        connection.execute(f"create table {quote(table)} as {source}")
    except duckdb.Error as error:
        raise SourceError(
            f"{path}: not a readable Parquet file ({first_line(error)}); export or copy it again"
        ) from None


def _row_numbers(rows: Sequence[int]) -> Sequence[int]:
    return [row + 1 for row in rows]


def _create_typed(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    parts: Sequence[str],
    contents: Sequence[_Content],
) -> tuple[Table, dict[str, bool]]:
    """Make one table of parts, with the types that fit all the values of text columns.

    Where a type would rewrite a value (`1.10` as a double), its text is kept beside it. A column
    `rowid` becomes `row_id`: DuckDB's own rowid is what tells rows from each other. The columns
    that may hold numbers in groups are given with it, by whether they stay text.
    """
    rows = f"({' union all by name '.join(f'from {quote(part)}' for part in parts)})"
    columns = {row[0]: row[1] for row in connection.execute(f"describe from {rows}").fetchall()}
    refuse_wide(relation.name, len(columns))
    texts = {text for content in contents for text in content.texts}
    tested = [quote(c) for c, type_ in columns.items() if c in texts and type_ == TEXT]
    candidates = set(ALL).intersection(*(content.types for content in contents))
    style, formats = said_style(relation.options), relation.options.date_format
    typed = typed_columns(
        connection,
        rows,
        [quote(c) for c, type_ in columns.items() if type_ == TEXT],
        infer_types(connection, rows, tested, [type_ for type_ in ALL if type_ in candidates]),
        style,
        formats,
    )
    select = []
    for column in columns:
        unreserved = quote("row_id" if column.lower() == "rowid" else column)
        found = typed.get(quote(column))
        select.append(f"{found.sql if found else quote(column)} as {unreserved}")
    select += [
        f"{quote(column)} as {quote(TEXT_OF + column)}"
        for column in columns
        if quote(column) in typed and typed[quote(column)].is_rewritten
    ]
    connection.execute(
        f"create table {quote(relation.name)} as select {', '.join(select)} from {rows}"
    )
    stay_text = {c: True for c, type_ in columns.items() if type_ == TEXT and quote(c) not in typed}
    if style is None:
        numbers = [c for c in columns if quote(c) in typed and _has_three(typed[quote(c)].type)]
        stay_text |= dict.fromkeys(numbers, False)
    return Table(relation.name, (), tuple(columns), style, formats), stay_text


def _has_three(type_: str) -> bool:
    """Whether numbers of a type may have three decimals."""
    return type_ == "DOUBLE" or type_.endswith(",3)")


def _doubts(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    parts: Sequence[Part],
    names: Sequence[str],
    stay_text: Mapping[str, bool],
) -> Iterator[tuple[str, Doubt]]:
    """The columns of each file whose numbers may be in groups."""
    for part, name in zip(parts, names, strict=True):
        described = connection.execute(f"describe {quote(name)}").fetchall()
        types = {column.lower(): type_ for column, type_, *_ in described}
        own = {quote(c): one for c, one in stay_text.items() if types.get(c.lower()) == TEXT}
        found = doubts_of(connection, quote(name), own, part.name, table.style)
        for column in stay_text:
            if doubt := found.get(quote(column)):
                is_told = doubt.is_told or len(parts) == 1
                yield column, replace(doubt, is_told=is_told)
