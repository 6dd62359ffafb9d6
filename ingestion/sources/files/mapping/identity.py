"""What tells records and their versions apart: ids, and hashes of values."""

from __future__ import annotations

from collections.abc import Iterable

from ingestion.contract.columns import Column, Entity
from ingestion.contract.types import TYPES
from ingestion.sources.files.mapping.picking import Picked
from ingestion.warehouse.duckdb_sql import hash_of, in_64_bits, literal, quote


def row_hash(entity: Entity) -> str:
    """SQL of the hash of a row's values: equal for equal values.

    Values that are missing leave no trace, so that a column added to the contract changes no hash.
    """
    columns = (column for name, column in entity.by_name.items() if name != "source_id")
    return hash_of(_values(columns))


def source_id(entity: Entity, picked: Iterable[Picked]) -> str:
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


def _values(columns: Iterable[Column]) -> str:
    """SQL of a text that differs where any of the columns differs."""
    pairs = ", ".join(f"{literal(c.name + '=')} || {_text(c)}" for c in columns)
    return f"concat_ws(chr(31), {pairs})"


def _text(column: Column) -> str:
    """SQL of a value's text. Decimals that fit 64 bits give the same text many times faster."""
    name, kept = quote(column.name), TYPES[column.type]
    if kept.scale is None:
        return f"{name}::VARCHAR"
    return f"coalesce(try_cast({name} as {in_64_bits(kept.sql)})::VARCHAR, {name}::VARCHAR)"
