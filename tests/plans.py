"""What DuckDB would read for a query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb


def columns_read(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """Names of the columns of tables that a query's plan scans."""
    row = connection.execute(f"explain (format json) {sql}").fetchone()
    assert row is not None
    return {column for plan in json.loads(row[1]) for column in _scanned(plan)}


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    if "Table" in plan["extra_info"]:
        columns = plan["extra_info"].get("Projections", [])
        yield from [columns] if isinstance(columns, str) else columns
    for child in plan["children"]:
        yield from _scanned(child)
