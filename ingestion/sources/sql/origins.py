"""What a `from` means in a database: a table by its name, or a SELECT."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ingestion.errors import SourceError, one_of

if TYPE_CHECKING:
    from sqlalchemy import Inspector

_LEADING = r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
_SELECT = re.compile(rf"{_LEADING}(select|with|values)(?=[\s(\"'*])", re.IGNORECASE | re.DOTALL)
_OTHER = re.compile(
    rf"{_LEADING}(insert|update|delete|merge|create|alter|drop|truncate|call|copy|grant|set|begin"
    r"|commit|exec|execute|do|replace|load|attach|pragma|vacuum|lock)\s",
    re.IGNORECASE | re.DOTALL,
)
"""How statements begin that do more than read."""
_PIECE = re.compile(
    r"(?P<end>(?:;|--[^\n]*|/\*(?:(?!\*/).)*\*/|\s)+)"
    r"""|'[^']*'|"[^"]*"|[^'";\s/-]+|.""",
    re.DOTALL,
)
"""A piece of a statement: what may end it unsaid, a text, a name in quotes, or anything else."""
_STEP = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|\[([^\]]+)\]|([^."`\[\]]+)')


def is_select(text: str) -> bool:
    """Whether a `from` is SQL, not the name of a table."""
    return _SELECT.match(text) is not None


def refuse_strange(text: str) -> None:
    """Raise SourceError where a `from` is neither a name nor one SELECT."""
    if not text.strip():
        raise SourceError("empty; give the name of a table, or a SELECT")
    if _OTHER.match(text) and not is_select(text):
        raise SourceError(
            "not a SELECT; a source only reads. The name of a table that begins so is written in "
            "quotes: from: '\"Call Log\"'"
        )


def statement(text: str) -> str:
    """A SELECT as it can stand within another: without a semicolon, or remarks, at its end."""
    end = 0
    for piece in _PIECE.finditer(text):
        if piece["end"] is None:
            end = piece.end()
    return text[:end].lstrip()


def steps(name: str) -> tuple[str, ...]:
    """The parts of a name as it is written, quotes taken off: schema and table.

    >>> steps('sales."Order Lines"')
    ('sales', 'Order Lines')
    """
    found, position = [], 0
    while position < len(name):
        match = _STEP.match(name, position)
        if not match:
            raise SourceError(f"'{name}' is no name of a table, such as orders or sales.orders")
        quoted, tick, bracket, plain = match.groups()
        found.append((quoted or "").replace('""', '"') or tick or bracket or plain.strip())
        position = match.end()
        if position < len(name):
            if name[position] != "." or position + 1 == len(name):
                raise SourceError(f"'{name}' is no name of a table, such as orders or sales.orders")
            position += 1
    return tuple(found)


def table_of(inspector: Inspector, name: str, schema: str | None) -> tuple[str | None, str]:
    """Schema and name of the table or view that a name means, as the database spells them.

    `schema` is that of names that have none. Case matters only where names differ in nothing else.
    Raises SourceError naming what there is.
    """
    whole = name.strip()
    parts = steps(whole)
    if len(parts) > 2:
        raise SourceError(f"'{whole}' has more parts than schema and table; give a SELECT instead")
    if len(parts) == 2:
        schema, table = schema_of(inspector, parts[0]), parts[1]
    else:
        schema, table = (schema_of(inspector, schema) if schema else None), parts[0]
    known = _tables(inspector, schema)
    found = _nearest(table, known)
    if found is None:
        at = f"schema '{schema or inspector.default_schema_name or 'main'}'"
        there_is = one_of(table, known) if known else "it has none that may be read"
        raise SourceError(f"no table or view '{table}' in {at}; {there_is}")
    return schema, found


def schema_of(inspector: Inspector, name: str) -> str:
    """A schema as the database spells it. Raises SourceError naming those that there are."""
    schemas = inspector.get_schema_names()
    found = _nearest(name, schemas)
    if found is None:
        raise SourceError(f"no schema '{name}'; {one_of(name, schemas)}")
    return found


def _tables(inspector: Inspector, schema: str | None) -> list[str]:
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    with suppress(NotImplementedError):  # Not every database has them.
        names += inspector.get_materialized_view_names(schema)
    if inspector.dialect.name == "postgresql":
        names += inspector.get_foreign_table_names(schema)
    return names


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """The name as it is known: spelled the same, else the only one that differs in case alone."""
    names = list(known)
    if name in names:
        return name
    alike: Sequence[str] = [one for one in names if one.lower() == name.lower()]
    if len(alike) > 1:
        raise SourceError(f"'{name}' may be {' or '.join(map(repr, alike))}: write it exactly so")
    return alike[0] if alike else None
