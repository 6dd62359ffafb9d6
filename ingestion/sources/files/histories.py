"""The values in histories: text, checked and kept as values of the fields that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.contract.entities import ENTITIES
from ingestion.contract.types import TYPES
from ingestion.loading.rows import typed
from ingestion.sources.files.hidden import REASON, TEXT_OF
from ingestion.sources.files.mapping.mapping import written
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.parsing import column_names, parse_expression
from ingestion.sources.files.values.casting import PLAUSIBLE, Form, Zones, cast, temporal
from ingestion.sources.files.values.evidence import Values, form_of, misfits, refuse_doubtful
from ingestion.sources.files.values.hints import remedy
from ingestion.sources.files.values.inference import TEXT
from ingestion.warehouse.duckdb_sql import hash_of, literal, quote

if TYPE_CHECKING:
    import duckdb

HISTORIES = "field_changes"
VALUES = ("old_value", "new_value")
SHOWN = 200
READ_BY_MODELS = ("money", "number", "date")
"""The types whose text the models read as it stands."""


@dataclass(frozen=True)
class _Field:
    """A field of an entity, how its values are written in a history, and what would mend others."""

    entity: str
    column: Column
    zones: Zones
    form: Form
    hint: str | None

    @property
    def is_changed(self) -> str:
        """SQL of whether a change is of the field."""
        return _is_of(self.entity, self.column.name)

    def kept(self, value: str) -> str:
        """SQL of a value's text in the form in which it is kept; NULL where it does not fit."""
        return self._text(f"({cast(self.column, value, TEXT, self.zones, self.form)})")

    def read(self, value: str) -> str:
        """SQL of the same text by what the models read in a value as it is written."""
        if self.column.type not in READ_BY_MODELS:
            return self.kept(value)
        return self._text(typed(value, self.column.type))

    def _text(self, kept: str) -> str:
        text = f"{kept}::{TYPES[self.column.type].sql}::VARCHAR"
        is_decimal = self.column.type in ("money", "number")
        return f"regexp_replace({text}, '\\.?0*$', '')" if is_decimal else text

    def problems(self, value: str) -> Iterator[str]:
        """SQL of what is wrong with a value of the field; NULL where nothing is."""
        shown = f"{literal(f'{value} of {self.column.name} = ')} || left({value}, {SHOWN})"
        mend = f"; {self.hint}" if self.hint else ""
        for condition, expected in self._rules(value):
            text = literal(f": expected {expected}, or nothing where there was no value{mend}")
            yield (
                f"case when {self.is_changed} and {value} is not null and {condition} "
                f"then {shown} || {text} end"
            )

    def _rules(self, value: str) -> Iterator[tuple[str, str]]:
        """Conditions under which a value breaks the field's rules, and what is expected."""
        column, kept = self.column, _kept(value)
        expected = TYPES[column.type].described
        if column.type in ("date", "timestamp"):
            found = temporal(column, value, TEXT, self.zones, self.form)
            yield f"{kept} is null and {found} is not null", PLAUSIBLE
            yield f"{kept} is null and {found} is null", expected
        else:
            yield f"{kept} is null", expected
        if column.allowed:
            allowed = ", ".join(map(literal, column.allowed))
            yield f"{kept} not in ({allowed})", f"one of {', '.join(column.allowed)}"
        if column.minimum is not None:
            yield f"{kept}::DOUBLE < {column.minimum}", f"{column.minimum:g} or more"
        if column.maximum is not None:
            yield f"{kept}::DOUBLE > {column.maximum}", f"{column.maximum:g} or less"


def check_values(
    connection: duckdb.DuckDBPyConnection,
    mapped: str,
    rowset: RowSet,
    used: Mapping[str, str],
    zones: Zones,
) -> tuple[str, ...]:
    """Check the values of mapped field changes by their fields; keep those that fit in one form.

    Numbers are kept without trailing zeros (`1200.5`), days as `2024-01-31`, moments in UTC as
    `2024-01-31 17:45:00`, true and false as such; text as it is. A value that does not fit its
    field adds to REASON. Changes of what the contract does not know are left as they are.

    How values are written is told by options and by all values of a field, as for a column; `used`
    are the expressions that the changes are mapped by. Returns what is to be said of it. Raises
    SourceError where numbers may mean two things.

    A row's hash stays that of the values as they were written, so that a file that is loaded again
    has not changed, unless they mean something else than the models would read in their text.
    """
    fields, said = _fields(connection, mapped, rowset, used, zones)
    if fields:
        connection.execute(_checked(mapped, fields))
    return said


def _fields(
    connection: duckdb.DuckDBPyConnection,
    mapped: str,
    rowset: RowSet,
    used: Mapping[str, str],
    zones: Zones,
) -> tuple[list[_Field], tuple[str, ...]]:
    """The fields whose values the contract says more of than that they are text."""
    kinds = connection.execute(f"select distinct entity, field from {quote(mapped)}").fetchall()
    columns = [
        (entity, found) for entity, name in kinds if (found := _checked_column(entity, name))
    ]
    if not columns:
        return [], ()
    names = [
        name
        for value in VALUES
        if value in used
        for name in column_names(parse_expression(connection, used[value]))
    ]
    style, formats = written(rowset, "new_value", names)
    is_plain = style is None and not _is_text(rowset, names)
    fields, said = [], []
    for entity, column in sorted(columns, key=lambda one: (one[0], one[1].name)):
        # What is said is of the column of the file.
        mapped_column = replace(column, name="new_value")
        for doubt in rowset.doubts(names):
            # Text of many fields: the values of this one are looked at below.
            if not doubt.is_text:
                refuse_doubtful(mapped_column, doubt, TEXT)
        rows = (
            f"(select unnest([{', '.join(VALUES)}]) as value from {quote(mapped)} "
            f"where {_is_of(entity, column.name)})"
        )
        values = Values(mapped_column, rows, "value", TEXT, rowset.origin, is_plain)
        form, note = form_of(connection, values, zones, style, formats)
        hint = remedy(column.type, misfits(connection, values, zones, form))
        fields.append(_Field(entity, column, zones, form, hint))
        said += [note] if note else []
    return fields, tuple(said)


def _checked_column(entity: str | None, field: str | None) -> Column | None:
    """The column that changed, where its values are more than text; None where it is not known."""
    known = ENTITIES.get(entity or "")
    column = known.by_name.get(field or "") if known else None
    is_plain = column is None or (column.type == "text" and not column.allowed)
    return None if is_plain and field != "currency" else column


def _is_of(entity: str, field: str) -> str:
    return f"entity = {literal(entity)} and field = {literal(field)}"


def _is_text(rowset: RowSet, names: Iterable[str]) -> bool:
    """Whether any of some columns is text in its file."""
    types = {name.lower(): type_ for name, type_ in rowset.columns.items()}
    return any(
        TEXT_OF.lower() + name.lower() in types or types.get(name.lower()) == TEXT for name in names
    )


def _kept(value: str) -> str:
    return quote(f"§kept {value}")


def _read(value: str) -> str:
    return quote(f"§read {value}")


def _checked(mapped: str, fields: Iterable[_Field]) -> str:
    """The statement that makes the mapped table anew, its values checked."""
    kept, read, problems = [], [], []
    for value in VALUES:
        of_field = [(field, f"when {field.is_changed} then") for field in fields]
        kept.append(
            f"case {' '.join(f'{then} {field.kept(value)}' for field, then in of_field)} end "
            f"as {_kept(value)}"
        )
        read.append(
            f"case {' '.join(f'{then} {field.read(value)}' for field, then in of_field)} end "
            f"as {_read(value)}"
        )
        problems += [problem for field, _ in of_field for problem in field.problems(value)]
    hidden = ", ".join(name(value) for name in (_kept, _read) for value in VALUES)
    texts = ", ".join(f"coalesce({_kept(value)}, {value}) as {value}" for value in VALUES)
    means_more = " or ".join(f"{_kept(v)} is distinct from {_read(v)}" for v in VALUES)
    meaning = f"concat_ws(chr(31), row_hash, {', '.join(map(_kept, VALUES))})"
    return f"""
        create or replace table {quote(mapped)} as
        with formed as (select *, {", ".join([*kept, *read])} from {quote(mapped)})
        select * exclude ({hidden}) replace (
            {texts},
            case
                when {means_more} then {hash_of(meaning)} else row_hash
            end as row_hash,
            nullif(concat_ws('; ', {REASON}, {", ".join(problems)}), '') as {REASON}
        )
        from formed
    """
