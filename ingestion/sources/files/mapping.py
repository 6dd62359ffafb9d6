"""Maps rows to an entity's canonical columns, and finds those that do not fit the contract."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestion.contract.entities import Column, Entity
from ingestion.errors import Gathered, SourceError, first_line
from ingestion.settings import Scalar
from ingestion.sources.files.casting import (
    EXPECTED,
    PLAIN,
    PLAUSIBLE,
    Form,
    Zones,
    cast,
    is_plausible,
    is_share,
    temporal,
)
from ingestion.sources.files.confinement import is_stopped
from ingestion.sources.files.evidence import Doubt, Values, form_of, misfits, refuse_doubtful
from ingestion.sources.files.hidden import HIDDEN, TEXT_OF
from ingestion.sources.files.hints import remedy
from ingestion.sources.files.inference import TEXT
from ingestion.sources.files.numbers import SHARED_SYMBOLS, Amount, Style
from ingestion.sources.files.parsing import (
    Node,
    NotSqlError,
    bare_column,
    column_names,
    driving_table,
    made_of,
    parse,
    parse_expression,
    select_also,
    ungrouped,
)
from ingestion.sources.files.reading import Table
from ingestion.sources.files.settings import Input
from ingestion.warehouse.duckdb_sql import STORED, literal, quote

if TYPE_CHECKING:
    import duckdb

POSITION = quote(f"{HIDDEN}position")
FILE_ROW = quote(f"{HIDDEN}row")
REASON = quote(f"{HIDDEN}reason")
NO_ROW = "NULL::BIGINT"
SHOWN = 3


@dataclass(frozen=True)
class RowSet:
    """The rows that an entity is mapped from: a DuckDB table, and its columns' types.

    `driver` is the table of files whose rows they are, where each is one row of a file;
    `file_row` is then SQL of its position there. `headers` say which lines of the files name the
    columns. `sources` are the tables that it is made of, and `made_of` says of which of their
    columns its own are. `ungrouped` are columns whose points its SQL takes out.
    """

    table: str
    columns: Mapping[str, str]
    driver: Table | None = None
    file_row: str = NO_ROW
    headers: tuple[str, ...] = ()
    sources: tuple[Table, ...] = ()
    made_of: tuple[tuple[str, frozenset[str]], ...] = ()
    ungrouped: frozenset[str] = frozenset()

    @property
    def offered(self) -> str:
        """What columns there are, and where their names come from."""
        return f"Columns there are: {', '.join(self.own_columns)}{_of_headers(self.headers)}"

    @property
    def own_columns(self) -> list[str]:
        """The columns that are the user's."""
        return [name for name in self.columns if not name.startswith(HIDDEN)]

    def original(self, column: str) -> str:
        """SQL of a column's value as it was before it was typed."""
        return quote(TEXT_OF + column if TEXT_OF + column in self.columns else column)

    @property
    def origin(self) -> str:
        """Where the rows come from, for messages."""
        names = dict.fromkeys(part.name for table in self.sources for part in table.parts)
        return ", ".join([*names][:SHOWN]) + (", …" if len(names) > SHOWN else "")

    def writing(self, columns: Iterable[str]) -> tuple[Style | None, tuple[str, ...]]:
        """How numbers and dates are written in text of these columns, as options say.

        Raises SourceError where the text may be of files that are written in different ways.
        """
        writings = {(table.style, table.formats) for table in self.sources}
        names = self._origins(columns)
        if len(writings) > 1:
            writings = {
                (table.style, table.formats)
                for table in self.sources
                if names & {name.lower() for name in table.columns}
            } or {(None, ())}
        if len(writings) > 1:
            raise SourceError(
                "is text that may be of files whose options (decimal, thousands, date_format) "
                "differ; give them the same, or make a number or date of it in 'from'"
            )
        return next(iter(writings), (None, ()))

    def doubts(self, columns: Iterable[str]) -> Iterator[Doubt]:
        """What of the columns that these are made of may be in groups."""
        names = self._origins(columns)
        for table in self.sources:
            for column, doubt in table.doubts:
                name = column.lower()
                if name in names and not (doubt.is_text and name in self.ungrouped):
                    yield doubt

    def _origins(self, columns: Iterable[str]) -> set[str]:
        """The names of all columns that some are made of, in lower case."""
        names: set[str] = set()
        new = {column.lower() for column in columns}
        while new:
            names |= new
            new = {part for name, parts in self.made_of if name in names for part in parts} - names
        return names

    def as_json(self, columns: Iterable[str]) -> str:
        """SQL of a JSON object of columns; NULL when there are none."""
        pairs = ", ".join(f"{literal(name)}, {self.original(name)}" for name in columns)
        return f"json_object({pairs})::VARCHAR" if pairs else "NULL::VARCHAR"


@dataclass(frozen=True)
class _Picked:
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
        return quote(HIDDEN + self.column.name)

    @property
    def selected(self) -> str:
        sql = f"try(struct_pack(value := {self.sql}))" if self.is_guarded else self.sql
        return f"{sql} as {self.name}"

    @property
    def value(self) -> str:
        return f"{self.name}['value']" if self.is_guarded else self.name

    @property
    def is_empty(self) -> str:
        return f"{self.value} is null" + (f" or {self.value} = ''" if self.type == TEXT else "")

    @property
    def does_not_fit(self) -> str:
        return f"({quote(self.column.name)} is null and not ({self.is_empty}))"

    @property
    def is_temporal(self) -> bool:
        return self.column.type in ("date", "timestamp")

    @property
    def is_implausible(self) -> str:
        return quote(f"{HIDDEN}implausible {self.column.name}")

    @property
    def currency(self) -> str | None:
        """SQL of the currency that is written with an amount, if any is."""
        return Amount(self.value).currency if self.form.is_marked else None


def relate(
    connection: duckdb.DuckDBPyConnection, name: str, sql: str | None, tables: Mapping[str, Table]
) -> RowSet:
    """What a `from` gives: its one table as it is, or the result of its SQL as table `name`.

    The SQL calls the tables by their keys. Raises SourceError when it fails.
    """
    sources = tuple(tables.values())
    parts = (part for table in sources for part in table.parts)
    headers = tuple(dict.fromkeys(part.header for part in parts if part.header))
    if sql is None:
        (table,) = sources
        columns = _describe(connection, table.name)
        return RowSet(table.name, columns, table, "rowid", headers, sources)
    tree = parse(connection, sql)
    with _called_by_keys(connection, tables):
        driver, file_row = _select(connection, name, sql, tree, tables, headers)
    return RowSet(
        name,
        _describe(connection, name),
        driver,
        file_row,
        headers,
        sources,
        tuple(made_of(tree)),
        frozenset(ungrouped(tree)),
    )


@contextmanager
def _called_by_keys(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]
) -> Iterator[None]:
    """Let tables bear the names for a while that SQL calls them by."""
    renamed = [(table.name, key) for key, table in tables.items() if table.name != key]
    for name, key in renamed:
        connection.execute(f"alter table {quote(name)} rename to {quote(key)}")
    try:
        yield
    finally:
        for name, key in renamed:
            connection.execute(f"alter table {quote(key)} rename to {quote(name)}")


def _select(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    sql: str,
    tree: Node,
    tables: Mapping[str, Table],
    headers: Sequence[str],
) -> tuple[Table | None, str]:
    """Make table `name` of the result of SQL; the driver of its rows, if any, and their `file_row`.

    Raises SourceError when it fails.
    """
    import duckdb

    create = f"create or replace table {quote(name)} as "
    driving = driving_table(tree)
    if driving and driving[0].lower() in tables:
        row = f"{quote(driving[1])}.rowid as {FILE_ROW}"
        try:
            connection.execute(create + select_also(connection, sql, row))
        except duckdb.Error as error:
            if is_stopped(error):
                raise
            # An aggregate's row is no row of a file; other errors come again below.
        else:
            return tables[driving[0].lower()], FILE_ROW
    try:
        connection.execute(create + sql)
    except duckdb.Error as error:
        if is_stopped(error):
            raise
        where = _of_headers(headers) if isinstance(error, duckdb.BinderException) else ""
        raise SourceError(f"{first_line(error)}{where}") from None
    return None, NO_ROW


def _of_headers(headers: Sequence[str]) -> str:
    """Which lines name the columns, and what says that others do."""
    if not headers:
        return ""
    named = f"{', '.join(headers[:3])}{', …' if len(headers) > 3 else ''}"
    is_sheet = any(" of sheet " in header for header in headers)
    options = "header_row" + (", sheet" if is_sheet else ", delimiter")
    return f". They are named in {named}; if that is not so, write options: {options}"


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
    picked: list[_Picked] = []
    for name, sql in used.items():
        with wrong.each():
            picked.append(_pick(connection, rowset, entity.by_name[name], sql))
    wrong.raise_any()
    extra = _extra(connection, rowset, used.values())

    def make(picked: Sequence[_Picked]) -> tuple[str, ...]:
        formed, said = _formed(connection, rowset, used, picked, zones)
        connection.execute(_mapped(entity, rowset, formed, extra, zones, target, currency))
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


def _formed(
    connection: duckdb.DuckDBPyConnection,
    rowset: RowSet,
    used: Mapping[str, str],
    picked: Iterable[_Picked],
    zones: Zones,
) -> tuple[list[_Picked], tuple[str, ...]]:
    """What is picked, with how it is written as options and whole columns tell; what to say."""
    formed, said = [], []
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
        formed.append(replace(pick, form=form, hint=mend))
        said += [note] if note else []
    return formed, tuple(said)


def written(
    rowset: RowSet, column: str, names: Iterable[str]
) -> tuple[Style | None, tuple[str, ...]]:
    """How numbers and dates are written in what a column is made of. SourceError: nobody knows."""
    try:
        return rowset.writing(names)
    except SourceError as error:
        raise SourceError(f"columns.{column}: {error}") from None


def expressions(entity: Entity, mapping: Input, rowset: RowSet) -> dict[str, str]:
    """The SQL expression of each canonical column that is mapped.

    What is exactly a column's name is that column: names with spaces, and words of SQL, need no
    quotes. Raises SourceError when columns that are taken by their names lack required ones.
    """
    if mapping.columns is not None:
        own = {name.lower(): name for name in rowset.own_columns}
        return {
            name: quote(own[str(value).lower()])
            if isinstance(value, str) and value.lower() in own
            else _expression(value)
            for name, value in mapping.columns.items()
        }
    taken = by_names(entity, rowset)
    needed = [*entity.needed, *(["source_id"] if entity.is_referenced else [])]
    missing = [name for name in needed if name not in taken]
    if missing:
        names = " or ".join(map(repr, missing))
        raise SourceError(f"no column is called {names}; give 'columns'. {rowset.offered}")
    return taken


def by_names(entity: Entity, rowset: RowSet) -> dict[str, str]:
    """The SQL of each canonical column whose name, in any case, a column bears."""
    own = {name.lower(): name for name in rowset.own_columns}
    return {name: quote(own[name]) for name in entity.by_name if name in own}


def row_hash(entity: Entity) -> str:
    """SQL of the hash of a row's values, 63 bits: equal for equal values.

    Values that are missing leave no trace, so that a column added to the contract changes no hash.
    """
    columns = (column for name, column in entity.by_name.items() if name != "source_id")
    return f"(md5_number_lower({_values(columns)}) >> 1)::BIGINT"


def _values(columns: Iterable[Column]) -> str:
    """SQL of a text that differs where any of the columns differs."""
    pairs = ", ".join(f"{literal(c.name + '=')} || {_text(c)}" for c in columns)
    return f"concat_ws(chr(31), {pairs})"


def _text(column: Column) -> str:
    """SQL of a value's text. Decimals that fit 64 bits give the same text many times faster."""
    name, stored = quote(column.name), STORED[column.type]
    if not stored.startswith("DECIMAL(28"):
        return f"{name}::VARCHAR"
    small = stored.replace("DECIMAL(28", "DECIMAL(18")
    return f"coalesce(try_cast({name} as {small})::VARCHAR, {name}::VARCHAR)"


def _source_id(entity: Entity, picked: Iterable[_Picked]) -> str:
    """SQL of a row's id: the source's, else a hash of its natural key, else of all its values.

    A hash is NULL where one of its values does not fit.
    """
    by_name = {pick.column.name: pick for pick in picked}
    if "source_id" in by_name:
        return "source_id"
    names = entity.key or [column.name for column in entity.columns]
    unknown = [by_name[name].does_not_fit for name in names if name in by_name]
    known = f"md5({_values(entity.by_name[name] for name in names)})"
    return f"case when not ({' or '.join(unknown)}) then {known} end"


def _pick(
    connection: duckdb.DuckDBPyConnection, rowset: RowSet, column: Column, expression: str
) -> _Picked:
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
    return _Picked(column, sql, type_, is_plain)


def _said(error: Exception, rowset: RowSet) -> str:
    """What DuckDB says of an expression; of a name that there is not, the one that is near."""
    missing = re.match(r'Binder Error: Referenced column "(.+?)" not found', str(error))
    if not missing:
        return f"{first_line(error)}."
    own = {name.lower(): name for name in rowset.own_columns}
    near = difflib.get_close_matches(missing[1].lower(), own, n=1, cutoff=0.7)
    guess = f"; did you mean '{own[near[0]]}'?" if near else "."
    return f"no column is called '{missing[1]}'{guess}"


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
    picked: Sequence[_Picked],
    extra: str,
    zones: Zones,
    target: str,
    currency: str | None,
) -> str:
    """The statement that makes the mapped table."""
    casts = {"is_deleted": "false"}
    for p in picked:
        empty = casts.get(p.column.name)
        read = temporal if p.is_temporal else cast
        sql = read(p.column, p.value, p.type, zones, p.form)
        casts[p.column.name] = (
            f"case when {p.is_empty} then {empty} else {sql} end" if empty else sql
        )
    if "currency" in entity.by_name:
        written = [p.currency for p in picked if p.currency]
        codes = [f"case when length({code}) = 3 then {code} end" for code in written]
        if codes:
            casts["currency"] = f"coalesce({', '.join([casts.get('currency', 'NULL'), *codes])})"
    typed = ", ".join(
        f"{casts.get(name, 'NULL')}::{STORED[column.type]} as {quote(name)}"
        for name, column in entity.by_name.items()
    )
    days = [(p, quote(p.column.name)) for p in picked if p.is_temporal]
    plausible = ", ".join(
        f"case when {is_plausible(name)} then {name} end as {name}" for _, name in days
    )
    checked = f" replace ({plausible})" if days else ""
    checked += "".join(f", not ({is_plausible(name)}) as {p.is_implausible}" for p, name in days)
    names = ", ".join(quote(name) for name in entity.by_name if name != "source_id")
    problems = [problem for pick in picked for problem in _problems(pick)]
    problems += _currency_problems(entity, picked, currency)
    return f"""
        create or replace table {quote(target)} as
        with picked as (
            select rowid as {POSITION}, {rowset.file_row} as {FILE_ROW},
                {extra} as source_extra, {", ".join(pick.selected for pick in picked)}
            from {quote(rowset.table)}
        ),
        typed as (select *, {typed} from picked),
        checked as (select *{checked} from typed)
        select {POSITION}, {FILE_ROW}, {_source_id(entity, picked)} as source_id, {names},
            source_extra, {row_hash(entity)} as row_hash,
            nullif(concat_ws('; ', {", ".join(problems)}), '') as {REASON}
        from checked
    """


def _currency_problems(
    entity: Entity, picked: Iterable[_Picked], company: str | None
) -> Iterator[str]:
    """SQL of amounts whose text names another currency than their row; NULL where it does not."""
    if "currency" in entity.by_name:
        of_row = f"coalesce(currency, {literal(company) if company else 'NULL'})"
    elif company and entity.name != "invoice_lines":
        of_row = literal(company)
    else:
        return
    other = "; if it is in another currency, map 'currency'"
    for pick in picked:
        if pick.currency:
            shared = " ".join(
                f"when {literal(sign)} then {of_row} not in ({', '.join(map(literal, codes))})"
                for sign, codes in SHARED_SYMBOLS.items()
            )
            differs = f"case {pick.currency} {shared} else {pick.currency} <> {of_row} end"
            shown = f"{literal(pick.column.name + ' = ')} || left({pick.value}::VARCHAR, 200)"
            reason = f"{shown} || ': the row is in ' || {of_row} || {literal(other)}"
            yield f"case when {differs} then {reason} end"


def _problems(pick: _Picked) -> Iterator[str]:
    """SQL of each thing that can be wrong with a value: what it is, NULL where it is not."""
    column, name = pick.column, quote(pick.column.name)

    def problem(condition: str, expected: str) -> str:
        shown = f"{literal(column.name + ' = ')} || left({pick.value}::VARCHAR, 200)"
        return f"case when {condition} then {shown} || {literal(': expected ' + expected)} end"

    if pick.is_guarded:
        failed = f"{column.name}: the expression {pick.sql.strip()} fails on this row"
        yield f"case when {pick.name} is null then {literal(failed)} end"
    if column.required:
        missing = f"{pick.name} is not null" if pick.is_guarded else "true"
        text = literal(f"{column.name}: missing, but required")
        yield f"case when ({pick.is_empty}) and {missing} then {text} end"
    if column.type != "text":
        mend = f"; {pick.hint}" if pick.hint else ""
        misfit = pick.does_not_fit
        if pick.is_temporal:
            misfit += f" and {pick.is_implausible} is not true"
            yield problem(pick.is_implausible, PLAUSIBLE + mend)
        yield problem(misfit, EXPECTED[column.type] + mend)
    if column.allowed:
        allowed = ", ".join(map(literal, column.allowed))
        yield problem(f"{name} not in ({allowed})", f"one of {', '.join(column.allowed)}")
    if column.minimum is not None:
        yield problem(f"{name} < {column.minimum}", f"{column.minimum:g} or more")
    if column.maximum is not None:
        mend = "; where it is percent, x / 100" if is_share(column) else ""
        yield problem(f"{name} > {column.maximum}", f"{column.maximum:g} or less{mend}")


def _expression(value: Scalar) -> str:
    """A value of company.yml as SQL: text is an expression, anything else a constant."""
    if isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        return f"{literal(value)}::{'TIMESTAMPTZ' if value.tzinfo else 'TIMESTAMP'}"
    if isinstance(value, dt.date):
        return f"{literal(value)}::DATE"
    return "NULL" if value is None else str(value)


def _describe(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The types of a table's columns, by name."""
    described = connection.execute(f"describe {quote(table)}").fetchall()
    types = {name: type_ for name, type_, *_ in described}
    if "rowid" in map(str.lower, types):
        raise SourceError("a column of the result is called 'rowid'; give it another name")
    return types
