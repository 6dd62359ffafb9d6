"""The canonical types: the one table of how their values are kept, loaded and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["text", "money", "number", "integer", "boolean", "timestamp", "date"]

PRECISION = 28
"""The digits of a decimal number."""


@dataclass(frozen=True)
class CanonicalType:
    """How values of a type are kept and described.

    `sql` is its name in DuckDB and PostgreSQL, `arrow` in Arrow, and `dlt` the hints that make dlt
    keep it so. `scale` is of decimal numbers. `described` says what is expected of a value.
    """

    sql: str
    arrow: str
    dlt: Mapping[str, Any]
    described: str
    scale: int | None = None

    def in_arrow(self) -> pa.DataType:
        """The Arrow type."""
        import pyarrow as pa

        if self.scale is not None:
            return pa.decimal128(PRECISION, self.scale)
        return pa.type_for_alias(self.arrow)


def _decimal(scale: int, described: str) -> CanonicalType:
    return CanonicalType(
        f"numeric({PRECISION}, {scale})",
        "decimal128",
        {"data_type": "decimal", "precision": PRECISION, "scale": scale},
        described,
        scale,
    )


TYPES: Mapping[ColumnType, CanonicalType] = MappingProxyType(
    {
        "text": CanonicalType("varchar", "string", {"data_type": "text"}, "text"),
        "money": _decimal(6, "a number, such as 1234.50"),
        "number": _decimal(10, "a number, such as 0.25"),
        "integer": CanonicalType("bigint", "int64", {"data_type": "bigint"}, "a whole number"),
        "boolean": CanonicalType("boolean", "bool", {"data_type": "bool"}, "true or false"),
        "timestamp": CanonicalType(
            "timestamp",
            "timestamp[us]",
            {"data_type": "timestamp", "timezone": False, "precision": 6},
            "a timestamp, such as 2024-01-31 17:45:00 or 2024-01-31T17:45:00+01:00",
        ),
        "date": CanonicalType(
            "date", "date32", {"data_type": "date"}, "a date, such as 2024-01-31"
        ),
    }
)
ALIASES = {
    "character varying": "varchar",
    "decimal": "numeric",
    "timestamp without time zone": "timestamp",
}


def type_named(name: str, scale: int | None) -> ColumnType | None:
    """The type that DuckDB, or PostgreSQL, calls so; None where it is none of ours.

    >>> type_named("DECIMAL(28,6)", 6), type_named("character varying", None)
    ('money', 'text')
    """
    plain = name.lower().partition("(")[0]
    for type_, canonical in TYPES.items():
        is_called_so = canonical.sql.partition("(")[0] == ALIASES.get(plain, plain)
        if is_called_so and canonical.scale in (None, scale):
            return type_
    return None
