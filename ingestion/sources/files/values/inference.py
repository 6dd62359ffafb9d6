"""The types of text columns: the narrowest that every value of the column fits.

A type is taken only where it is certain: identifiers keep their leading zeros, and what is not a
number, an ISO date or true/false throughout stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ingestion.warehouse.duckdb_sql import one_row

if TYPE_CHECKING:
    import duckdb

TEXT = "VARCHAR"
SAMPLE_ROWS = 2048
AT_ONCE = 8
"""How many columns a query tests: each test has patterns, and each pattern takes megabytes."""
MAX_DIGITS = 18

DECIMAL = r"-?(0|[1-9]\d*)\.\d+"
DOUBLE = r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,3})?"
DATE = r"\d{4}-\d{2}-\d{2}"
TIMESTAMP = DATE + r"[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
OFFSET = r"(Z|[+-]\d{2}(:?\d{2})?| UTC)"

TEMPORAL = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")
NUMBERS = ("BIGINT", "DECIMAL", "DOUBLE")
ALL = (*NUMBERS, *TEMPORAL, "BOOLEAN")
"""Types that text may turn out to have, narrowest first."""


def infer_types(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    columns: Sequence[str],
    types: Iterable[str] = ALL,
) -> dict[str, str]:
    """The DuckDB types of text columns of some rows, of those that fit one.

    `rows` is SQL that follows `from`; the columns are quoted names. A sample rules most types
    out; those left are tested on every value.
    """
    types, found = tuple(types), {}
    for start in range(0, len(columns), AT_ONCE):
        everything = dict.fromkeys(columns[start : start + AT_ONCE], types)
        sampled = _fitting(connection, f"(from {rows} limit {SAMPLE_ROWS})", everything)
        for column, fitting in _fitting(connection, rows, sampled).items():
            found[column] = _first(connection, rows, column, fitting)
    return {column: type_ for column, type_ in found.items() if type_}


def _fitting(
    connection: duckdb.DuckDBPyConnection, rows: str, candidates: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Those of each column's candidate types that all of its values fit, if it has any values."""
    fitting: dict[str, tuple[str, ...]] = dict.fromkeys(candidates, ())
    tests = [(column, type_) for column, types in candidates.items() for type_ in types]
    if not tests:
        return fitting
    results = ", ".join(
        f"bool_and({_fits(column, type_)}) filter ({column} is not null)" for column, type_ in tests
    )
    row = one_row(connection, f"select {results} from {rows}")
    for (column, type_), fits in zip(tests, row, strict=True):
        if fits:
            fitting[column] += (type_,)
    return fitting


def _fits(column: str, type_: str) -> str:
    """SQL of whether a value fits a type.

    The patterns refuse what DuckDB's casts let pass: 'epoch', '24-1-5', ' 5', '1_000'.
    """

    def matches(pattern: str) -> str:
        return f"regexp_full_match({column}, '{pattern}')"

    if type_ == "BIGINT":
        return f"try_cast({column} as BIGINT)::VARCHAR is not distinct from {column}"
    if type_ == "BOOLEAN":
        return f"lower({column}) in ('true', 'false')"
    if type_ == "DECIMAL":
        return f"{matches(DECIMAL)} and length({column}) <= {MAX_DIGITS}"
    patterns = {
        "DOUBLE": DOUBLE,
        "DATE": DATE,
        "TIMESTAMP": TIMESTAMP,
        "TIMESTAMPTZ": TIMESTAMP + OFFSET,
    }
    return f"{matches(patterns[type_])} and try_cast({column} as {type_}) is not null"


def _first(
    connection: duckdb.DuckDBPyConnection, rows: str, column: str, fitting: Sequence[str]
) -> str | None:
    """The first type that fits; a decimal only when all values have as many decimal places."""
    if fitting[:1] != ("DECIMAL",):
        return fitting[0] if fitting else None
    places = f"length({column}) - strpos({column}, '.')"
    least, most = one_row(connection, f"select min({places}), max({places}) from {rows}")
    if least == most:
        return f"DECIMAL({MAX_DIGITS},{least})"
    return "DOUBLE" if "DOUBLE" in fitting else None
