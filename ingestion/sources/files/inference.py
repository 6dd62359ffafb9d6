"""The types of text columns: the narrowest that every value of the column fits.

A type is taken only where it is certain: identifiers keep their leading zeros, and what is not a
number, an ISO date or true/false throughout stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

TEXT = "VARCHAR"
SAMPLE_ROWS = 2048
MAX_DIGITS = 18

DATE = r"\d{4}-\d{2}-\d{2}"
TIMESTAMP = DATE + r"[ T]\d{2}:\d{2}:\d{2}(\.\d+)?"
OFFSET = r" ?(Z|[+-]\d{2}(:?\d{2})?)"


def _tests(column: str) -> Mapping[str, str]:
    """What is true of a value that fits a type; narrowest first.

    The patterns refuse what DuckDB's casts let pass: 'epoch', '24-1-5', ' 5', '1_000'.
    """

    def matches(pattern: str) -> str:
        return f"regexp_full_match({column}, '{pattern}')"

    def is_(type_: str) -> str:
        return f"try_cast({column} as {type_}) is not null"

    return {
        "BIGINT": f"try_cast({column} as BIGINT)::VARCHAR is not distinct from {column}",
        "DECIMAL": matches(r"-?(0|[1-9]\d*)\.\d+") + f" and length({column}) <= {MAX_DIGITS}",
        "DOUBLE": matches(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,3})?") + f" and {is_('DOUBLE')}",
        "DATE": f"{matches(DATE)} and {is_('DATE')}",
        "TIMESTAMP": f"{matches(TIMESTAMP)} and {is_('TIMESTAMP')}",
        "TIMESTAMPTZ": f"{matches(TIMESTAMP + OFFSET)} and {is_('TIMESTAMPTZ')}",
        "BOOLEAN": f"lower({column}) in ('true', 'false')",
    }


def infer_types(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> dict[str, str]:
    """The DuckDB type of each text column of a table; quoted names in, types out.

    A sample rules most types out; those left are tested on every value.
    """
    everything = {column: tuple(_tests(column)) for column in columns}
    candidates = _fitting(connection, f"(from {table} limit {SAMPLE_ROWS})", everything)
    return {
        column: _choose(connection, table, column, fitting)
        for column, fitting in _fitting(connection, table, candidates).items()
    }


def _fitting(
    connection: duckdb.DuckDBPyConnection, table: str, candidates: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Those of each column's candidate types that all of its values fit, if it has any."""
    checks = [
        (column, type_) for column, types in candidates.items() for type_ in types
    ]
    fitting: dict[str, tuple[str, ...]] = dict.fromkeys(candidates, ())
    if not checks:
        return fitting
    select = ", ".join(f"bool_and({_tests(column)[type_]}) filter ({column} is not null)" for column, type_ in checks)
    row = connection.execute(f"select {select} from {table}").fetchone() or ()
    for (column, type_), fits in zip(checks, row, strict=True):
        if fits:
            fitting[column] += (type_,)
    return fitting


def _choose(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, fitting: Sequence[str]
) -> str:
    """The first type that fits; a decimal only when all values have as many decimal places."""
    if not fitting:
        return TEXT
    if fitting[0] != "DECIMAL":
        return fitting[0]
    places = f"length({column}) - strpos({column}, '.')"
    row = connection.execute(f"select min({places}), max({places}) from {table}").fetchone()
    assert row is not None
    return f"DECIMAL({MAX_DIGITS},{row[0]})" if row[0] == row[1] else "DOUBLE"
