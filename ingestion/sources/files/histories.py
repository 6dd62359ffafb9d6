"""The values in histories: text, checked and kept as values of the fields that they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ingestion.contract import ENTITIES, Column
from ingestion.duckdb_sql import STORED, literal, quote
from ingestion.sources.files.casting import EXPECTED, Form, Zones, cast
from ingestion.sources.files.evidence import Values, form_of
from ingestion.sources.files.mapping import REASON
from ingestion.sources.files.numbers import Style

if TYPE_CHECKING:
    import duckdb

HISTORIES = "field_changes"
VALUES = ("old_value", "new_value")
SHOWN = 200

Fields = Mapping[tuple[str, str], Column]
"""Columns whose values are checked, by entity and name."""
Reader = Callable[[tuple[str, str], str], str]
"""Makes SQL of a value's typed value from a field and SQL of its text; NULL where it is none."""


def check_values(
    connection: duckdb.DuckDBPyConnection,
    mapped: str,
    zones: Zones,
    origin: str,
    style: Style | None = None,
    formats: tuple[str, ...] = (),
) -> None:
    """Check the values of mapped field changes by their fields; keep those that fit in one form.

    Numbers are kept without trailing zeros (`1200.5`), days as `2024-01-31`, moments in UTC as
    `2024-01-31 17:45:00`, true and false as such; text as it is. A value that does not fit its
    field adds to REASON. Changes of what the contract does not know are left as they are.
    Numbers and dates are written in `style` and `formats`, where options say so, else as all values
    of a field tell; SourceError, naming `origin`, where they may be two things.

    A row's hash stays that of the values as they were written, so that a file that is loaded again
    has not changed, unless they mean something else than the models would read in their text.
    """
    kinds = connection.execute(f"select distinct entity, field from {quote(mapped)}").fetchall()
    fields = {kind: column for kind in kinds if (column := _checked_column(*kind))}
    if not fields:
        return

    forms = {
        kind: _form_of(connection, mapped, kind, column, zones, origin, style, formats)
        for kind, column in fields.items()
    }

    def meant(kind: tuple[str, str], value: str) -> str:
        return f"({cast(fields[kind], value, 'VARCHAR', zones, forms[kind])})"

    def read(kind: tuple[str, str], value: str) -> str:
        column = fields[kind]
        is_read = column.type in ("money", "number", "date")
        return f"try_cast({value} as {STORED[column.type]})" if is_read else meant(kind, value)

    texts_kept = [
        f"{_in_one_form(fields, value, reader)} as {name(value)}"
        for name, reader in ((_kept, meant), (_plain, read))
        for value in VALUES
    ]
    hidden = ", ".join(name(value) for name in (_kept, _plain) for value in VALUES)
    problems = ", ".join(problem for value in VALUES for problem in _problems(fields, value))
    texts = ", ".join(f"coalesce({_kept(value)}, {value}) as {value}" for value in VALUES)
    means_more = " or ".join(f"{_kept(v)} is distinct from {_plain(v)}" for v in VALUES)
    meaning = f"concat_ws(chr(31), row_hash, {', '.join(map(_kept, VALUES))})"
    connection.execute(f"""
        create or replace table {quote(mapped)} as
        with read as (select *, {", ".join(texts_kept)} from {quote(mapped)})
        select * exclude ({hidden}) replace (
            {texts},
            case
                when {means_more} then (md5_number_lower({meaning}) >> 1)::BIGINT else row_hash
            end as row_hash,
            nullif(concat_ws('; ', {REASON}, {problems}), '') as {REASON}
        )
        from read
    """)


def _form_of(
    connection: duckdb.DuckDBPyConnection,
    mapped: str,
    kind: tuple[str, str],
    column: Column,
    zones: Zones,
    origin: str,
    style: Style | None,
    formats: tuple[str, ...],
) -> Form:
    """How the values of a field are written, before and after its changes."""
    both = " union all ".join(
        f"select {value} as v from {quote(mapped)} where {_is_of(kind)}" for value in VALUES
    )
    values = Values(column, f"({both})", "v", "VARCHAR", origin)
    form, _ = form_of(connection, values, zones, style, formats)
    return form


def _checked_column(entity: str | None, field: str | None) -> Column | None:
    """The column that changed, where the contract says more of its values than that they are text.

    None where it does not know the entity or the field.
    """
    known = ENTITIES.get(entity or "")
    column = known.by_name.get(field or "") if known else None
    is_plain = column is None or (column.type == "text" and not column.allowed)
    return None if is_plain and field != "currency" else column


def _kept(value: str) -> str:
    return quote(f"§kept {value}")


def _plain(value: str) -> str:
    return quote(f"§plain {value}")


def _in_one_form(fields: Fields, value: str, reader: Reader) -> str:
    """SQL of a value's text in the form of its field; NULL where it does not fit it."""
    cases = " ".join(
        f"when {_is_of(kind)} then {_form(column, reader(kind, value))}"
        for kind, column in fields.items()
    )
    return f"case {cases} end"


def _form(column: Column, typed: str) -> str:
    text = f"{typed}::{STORED[column.type]}::VARCHAR"
    is_number = column.type in ("money", "number")
    return f"regexp_replace({text}, '\\.?0*$', '')" if is_number else text


def _is_of(kind: tuple[str, str]) -> str:
    """SQL of whether a change is of an entity's field."""
    entity, field = kind
    return f"entity = {literal(entity)} and field = {literal(field)}"


def _problems(fields: Fields, value: str) -> Iterator[str]:
    """SQL of what is wrong with a value, field by field; NULL where nothing is."""
    for kind, column in fields.items():
        shown = f"{literal(f'{value} of {column.name} = ')} || left({value}, {SHOWN})"
        for condition, expected in _rules(column, _kept(value)):
            text = literal(f": expected {expected}, or nothing where there was no value")
            yield (
                f"case when {_is_of(kind)} and {value} is not null and {condition} "
                f"then {shown} || {text} end"
            )


def _rules(column: Column, kept: str) -> Sequence[tuple[str, str]]:
    """Conditions under which a kept value breaks its field's rules, and what is expected."""
    rules = [(f"{kept} is null", EXPECTED[column.type])]
    if column.allowed:
        allowed = ", ".join(map(literal, column.allowed))
        rules.append((f"{kept} not in ({allowed})", f"one of {', '.join(column.allowed)}"))
    if column.minimum is not None:
        rules.append((f"{kept}::DOUBLE < {column.minimum}", f"{column.minimum:g} or more"))
    if column.maximum is not None:
        rules.append((f"{kept}::DOUBLE > {column.maximum}", f"{column.maximum:g} or less"))
    return rules
