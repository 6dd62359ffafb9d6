"""Two warehouses table by table: which rows differ, and in which columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

SCHEMAS = ("staging", "intermediate", "marts")
SHOWN = 3
SEARCHED = 300
"""Rows among which the likest of another is looked for."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """A table that is not the same, and what is not."""

    table: str
    told: str

    def __str__(self) -> str:
        return f"{self.table}: {self.told}"


def differences(
    whole: duckdb.DuckDBPyConnection, in_place: Path, ignored: Collection[str] = ()
) -> list[Difference]:
    """What differs, table by table, between what was built whole and a file built in place.

    A view is the same where it says the same of tables that are. `ignored` are columns, as
    `table.column`, that only one side has filled in.
    """
    [(database,)] = whole.execute("select current_database()").fetchall()
    whole.execute(f"attach '{in_place}' as in_place (read_only)")
    whole.execute("set TimeZone = 'UTC'")
    stale, right = (_relations(whole, name) for name in ("in_place", database))
    found: list[Difference] = []
    for table in sorted({*stale, *right}):
        if stale.get(table) != right.get(table):
            told = f"is {stale.get(table, 'not there')}, built whole {right.get(table)}"
            found.append(Difference(table, told))
        elif isinstance(columns := right[table], tuple):
            compared = [name for name in columns if f"{table}.{name}" not in ignored]
            found += _difference(whole, table, compared, database)
    return found


def _relations(
    connection: duckdb.DuckDBPyConnection, database: str
) -> Mapping[str, tuple[str, ...] | str]:
    """The columns of each table, and what each view says."""
    columns: dict[str, tuple[str, ...] | str] = {}
    for table, names in connection.execute(
        """select schema_name || '.' || table_name, list(column_name order by column_name)
        from duckdb_columns() where database_name = ? and schema_name in (select unnest(?))
        group by all""",
        [database, list(SCHEMAS)],
    ).fetchall():
        columns[table] = tuple(names)
    views = connection.execute(
        """select schema_name || '.' || view_name, split_part(sql, ' AS ', 2)
        from duckdb_views() where database_name = ? and schema_name in (select unnest(?))""",
        [database, list(SCHEMAS)],
    ).fetchall()
    return columns | dict(views)


def _difference(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str], database: str
) -> Iterator[Difference]:
    """What differs between the rows of a table, if anything does."""
    listed = ", ".join(f'"{name}"' for name in columns)
    sides = [f"select {listed} from {side}.{table}" for side in ("in_place", database)]
    rows = connection.execute(
        f"""select true as is_stale, * from ({sides[0]} except all {sides[1]})
        union all select false, * from ({sides[1]} except all {sides[0]})"""
    ).to_arrow_table()
    if rows.num_rows:
        stale, missing = (
            [row for row in rows.to_pylist() if row.pop("is_stale") is is_stale]
            for is_stale in (True, False)
        )
        yield Difference(table, _told(stale, missing))


def _told(stale: Sequence[Row], missing: Sequence[Row]) -> str:
    """Counts, and the first rows, with what differs from the likest one of the other side."""
    lines = [f"{len(stale)} rows too many, {len(missing)} missing"]
    for row in stale[:SHOWN]:
        lines.append(f"  too many: {_beside(row, missing)}")
    if len(missing) != len(stale) or not stale:
        lines += [f"  missing: {_beside(row, stale)}" for row in missing[:SHOWN]]
    return "\n".join(lines)


def _beside(row: Row, others: Sequence[Row]) -> str:
    """A row as far as it has values, and where it differs from the likest of others."""

    def likeness(other: Row) -> int:
        return sum(row[name] == other[name] for name in row)

    values = {name: value for name, value in row.items() if value is not None}
    likest = max(others[:SEARCHED], key=likeness, default=None)
    if likest is None or likeness(likest) * 2 < len(row):
        return str(values)
    off = {name: (row[name], likest[name]) for name in row if row[name] != likest[name]}
    key = {name: values[name] for name in list(values)[:5] if name not in off}
    return f"{key} has for what it should have {off}"
