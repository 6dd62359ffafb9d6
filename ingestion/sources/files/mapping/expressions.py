"""The SQL expressions that canonical columns are mapped from."""

from __future__ import annotations

import datetime as dt

from ingestion.contract.columns import Entity
from ingestion.errors import SourceError
from ingestion.settings import Scalar
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.settings import Input
from ingestion.warehouse.duckdb_sql import literal, quote


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


def _expression(value: Scalar) -> str:
    """A value of company.yml as SQL: text is an expression, anything else a constant."""
    if isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        return f"{literal(value)}::{'TIMESTAMPTZ' if value.tzinfo else 'TIMESTAMP'}"
    if isinstance(value, dt.date):
        return f"{literal(value)}::DATE"
    return "NULL" if value is None else str(value)
