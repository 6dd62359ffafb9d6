"""What DuckDB would read for a query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

PAIRWISE = frozenset({"BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN", "CROSS_PRODUCT"})
"""DuckDB's joins whose work is the product of the two sides."""


def columns_read(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """Names of the columns of tables that a query's plan scans."""
    return {
        column
        for node in _nodes(connection, sql)
        if "Table" in node["extra_info"]
        for column in _listed(node["extra_info"].get("Projections", []))
    }


def pairwise_joins(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """The joins of a query's plan that compare every row of one side with every one of the other.

    The plan is asked for as JSON: as text DuckDB leaves out what does not fit in its width.
    """
    return [
        f"{node['name']} {node['extra_info'].get('Condition', '')}".strip()
        for node in _nodes(connection, sql)
        if node["name"] in PAIRWISE
    ]


def lists_joined(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """How often a query's plan looks values up in a list of words, as a join with it."""
    nodes = _nodes(connection, sql)
    return sum(node["extra_info"].get("Join Type") == "MARK" for node in nodes)


def _nodes(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[dict[str, Any]]:
    row = connection.execute(f"explain (format json) {sql}").fetchone()
    assert row is not None
    todo = list(json.loads(row[1]))
    while todo:
        node = todo.pop()
        todo += node["children"]
        yield node


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
