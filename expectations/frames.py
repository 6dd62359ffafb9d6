"""What a suite judges: its rows, read from the warehouse with only the columns that it needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.comparison import Comparison, as_query
from expectations.report import without_emails
from expectations.suites import Suite
from ingestion.company.settings import Company
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Rows:
    """The rows of a suite's table: the keys, and the frame to judge, position by position."""

    keys: pa.Table
    frame: pd.DataFrame

    def __len__(self) -> int:
        """Number of rows."""
        return self.keys.num_rows

    def key(self, position: int) -> str:
        """The key of one row, its parts joined by slashes; missing ones are left out."""
        parts = [column[position].as_py() for column in self.keys.columns]
        return without_emails("/".join(str(part) for part in parts if part is not None))


def placeholders(
    company: Company,
    as_of: dt.datetime,
    known_at: dt.datetime,
    comparisons: Sequence[Comparison] = (),
) -> Mapping[str, str]:
    """What the suites' SQL leaves open, as SQL.

    `as_of`, `known_at`: UTC moments without zone. `now` is NULL where company.yml fixes as_of:
    how fresh an old export is means nothing. `is_look_back`: whether the marts are of a day before
    that on which the company's data ends, by its own as_of or by what is known.
    """
    day = company.local(as_of).date()
    present = min(known_at, company.own_as_of or known_at)
    full_exports = [
        f"{source.name}.{entity}" for source in company.sources for entity in source.full_exports
    ]
    return {
        "as_of": _timestamp(as_of),
        "as_of_day": f"cast('{day}' as date)",
        "is_look_back": "true" if day < company.local(present).date() else "false",
        "known_at": _timestamp(known_at),
        "now": "cast(null as timestamp)" if company.as_of else _timestamp(as_of),
        "comparisons": as_query(comparisons),
        "full_exports": ", ".join(f"'{name}'" for name in full_exports) or "''",
    }


def empty_tables(warehouse: Warehouse, tables: Sequence[str]) -> frozenset[str]:
    """Those of these tables (`schema.table`) that exist and have no rows.

    One query for all: opening a warehouse takes longer than looking at an empty table.
    """
    schemas = {table.partition(".")[0] for table in tables}
    existing = {f"{schema}.{table}" for schema in schemas for table in warehouse.columns(schema)}
    queries = [
        f"select '{table}' as name where not exists (select 1 from {table})"
        for table in tables
        if table in existing
    ]
    if not queries:
        return frozenset()
    return frozenset(warehouse.read(" union all ".join(queries))["name"].to_pylist())


def read_rows(warehouse: Warehouse, suite: Suite, values: Mapping[str, str]) -> Rows:
    """Read what a suite needs, as categories, 64-bit floats, booleans and moments."""
    expressions = {
        name: expression for check in suite.checks for name, expression in check.columns.items()
    }
    selected = [
        *(f'{key} as "key {key}"' for key in suite.keys),
        *(f"{expression} as {name}" for name, expression in expressions.items()),
    ]
    width = len(suite.keys)
    order = ", ".join(str(position + 1) for position in range(width))
    sql = f"select {', '.join(selected)} from ({suite.relation}) as records order by {order}"
    table = warehouse.read(sql.format_map(values))
    keys = table.select(range(width))
    return Rows(keys, _frame(table.select(range(width, table.num_columns))))


def _frame(table: pa.Table) -> pd.DataFrame:
    import pyarrow as pa

    columns = {field.name: _compact(table[field.name]) for field in table.schema}
    return pa.table(columns).to_pandas(date_as_object=False)


def _compact(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values in a form that pandas does not keep as one object each."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_string(kind) or (pa.types.is_boolean(kind) and column.null_count):
        return column.dictionary_encode()
    return column


def _timestamp(moment: dt.datetime) -> str:
    return f"cast('{moment:%Y-%m-%d %H:%M:%S.%f}' as timestamp)"
