"""The file in which a build makes what is published: beside the DuckDB warehouse, shown in it.

Apart from the rest it can be published by copying one file, and holds nothing that is not for all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.warehouse.duckdb_sql import literal, one_row

if TYPE_CHECKING:
    import duckdb

DATABASE = "salesops"
"""What the file is called where it is attached: as a published file is, of which it is a copy."""
SCHEMA = "marts"


def marts_of(warehouse: Path) -> Path:
    """The file that belongs to a warehouse."""
    return warehouse.with_suffix(".marts.duckdb")


def show_marts(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Have `marts.<table>` lead into the warehouse's file of marts, where there is one."""
    file = marts_of(warehouse)
    if not file.exists():
        return
    [is_read_only] = one_row(
        connection,
        "select readonly from duckdb_databases() where database_name = current_database()",
    )
    mode = "(read_only)" if is_read_only else ""
    connection.execute(f"attach if not exists {literal(file)} as {DATABASE} {mode}")
    found = connection.execute(
        "select 1 from duckdb_schemas() where (database_name, schema_name) = (?, ?)",
        [DATABASE, SCHEMA],
    )
    if found.fetchall():
        connection.execute(f"set search_path = 'main,{DATABASE}.{SCHEMA}'")
