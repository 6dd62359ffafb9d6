"""What a piece of SQL refers to, read from DuckDB's own syntax tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Node = dict[str, Any]


READS_NO_FILES = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})
"""Table functions that may be called: what others read, no load would know of."""


_READS = re.compile(
    r"(read|duckdb|pragma|parquet)_\w+|\w+_scan|glob|sniff_csv|query(_table)?|which_secret"
    r"|json_execute_serialized_sql|getenv|getvariable|current_setting|write_log",
    re.IGNORECASE,
)
"""Functions that reach beyond the rows, wherever they are called: files, the process, settings."""

MAX_NESTING = 400
"""How deep a syntax tree may be: what walks it calls itself."""

_CLAUSES = ("modifiers", "where_clause", "group_expressions", "having", "qualify", "sample")

_POINTS = {"replace": (".",), "translate": (".",), "regexp_replace": ("\\.", "[.")}
"""Functions that replace text, and how they call points."""


class NotSqlError(Exception):
    """The text is not one SELECT statement; the message is the parser's."""


def parse(connection: duckdb.DuckDBPyConnection, sql: str) -> Node:
    """The syntax tree of one SELECT statement. Raises NotSqlError."""
    tree = _serialized(connection, sql)
    if tree["error"]:
        raise NotSqlError(tree["error_message"].replace("can be serialized to json!", "are taken"))
    if len(tree["statements"]) != 1:
        raise NotSqlError("expected one statement")
    return tree["statements"][0]["node"]


def parse_expression(connection: duckdb.DuckDBPyConnection, expression: str) -> Node:
    """The syntax tree of one scalar expression. Raises NotSqlError.

    It computes with a row's own columns: files are only read by `from`.
    """
    node = parse(connection, f"select (\n{expression}\n)")
    if len(node.get("select_list", ())) != 1 or node["from_table"]["type"] != "EMPTY":
        raise NotSqlError("expected one expression")
    if any(node[clause] for clause in _CLAUSES):
        raise NotSqlError("expected one expression, which takes no clauses")
    for name in (*table_names(node), *strange_reads(node)):
        raise NotSqlError(
            f"{name} is read beside the rows of 'from': join it there; a file is read as a view"
        )
    return node["select_list"][0]


def _serialized(connection: duckdb.DuckDBPyConnection, sql: str) -> Node:
    """What DuckDB makes of SQL. Raises NotSqlError where it is nested too deeply to look at."""
    row = connection.execute("select json_serialize_sql(?)", [sql]).fetchone()
    assert row is not None
    try:
        tree = json.loads(row[0])
    except RecursionError:
        tree = None
    if tree is None or _is_deeper(tree, MAX_NESTING):
        raise NotSqlError("nested too deeply; make it of steps: with first as (…) …")
    return tree


def _is_deeper(tree: Node, levels: int) -> bool:
    """Whether a tree has more levels than these."""
    level: list[Any] = [tree]
    for _ in range(levels):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, dict | list)
        ]
    return bool(level)


def table_names(node: Any, hidden: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names of the tables that are read, those of common table expressions left out."""
    if isinstance(node, list):
        for item in node:
            yield from table_names(item, hidden)
    elif isinstance(node, dict):
        for entry in node.get("cte_map", {}).get("map", ()):
            own = {entry["key"].lower()} if _is_recursive(entry["value"]) else set()
            yield from table_names(entry["value"], hidden | own)
            hidden |= {entry["key"].lower()}
        is_table = node.get("type") == "BASE_TABLE" and not node["schema_name"]
        if is_table and node["table_name"].lower() not in hidden:
            yield node["table_name"]
        for key, value in node.items():
            if key != "cte_map":
                yield from table_names(value, hidden)


def strange_reads(node: Any) -> Iterator[str]:
    """What is read other than by the bare name of a view: by functions, of a schema, by SHOW."""
    if isinstance(node, list):
        for item in node:
            yield from strange_reads(item)
    elif isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            function = node["function"]["function_name"]
            if function.lower() not in READS_NO_FILES:
                yield f"{function}(…)"
        elif _READS.fullmatch(node.get("function_name", "")):
            yield f"{node['function_name']}(…)"
        if node.get("type") == "SHOW_REF":
            yield f"what {node['show_type']} tells"
        if node.get("type") == "BASE_TABLE" and (node["schema_name"] or node["catalog_name"]):
            parts = node["catalog_name"], node["schema_name"], node["table_name"]
            yield ".".join(part for part in parts if part)
        for value in node.values():
            yield from strange_reads(value)


def words(node: Any) -> Iterator[str]:
    """Every text in a syntax tree: names of columns wherever they stand, and much else."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from words(item)
    elif isinstance(node, dict):
        for value in node.values():
            yield from words(value)


def names_columns(node: Any) -> bool:
    """Whether every column that is not taken as it is, is named: no pattern or position takes any.

    PIVOT, UNPIVOT and column aliases of tables take columns otherwise.
    """
    if isinstance(node, list):
        return all(map(names_columns, node))
    if not isinstance(node, dict):
        return True
    is_pattern = node.get("type") == "STAR" and node["columns"]
    is_turned = node.get("type") in ("PIVOT", "SET_OPERATION_NODE") or node.get("column_name_alias")
    return not is_pattern and not is_turned and all(map(names_columns, node.values()))


def column_names(node: Any) -> Iterator[str]:
    """Every name in a column reference: table, column or struct field."""
    if isinstance(node, list):
        for item in node:
            yield from column_names(item)
    elif isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield from node["column_names"]
        for value in node.values():
            yield from column_names(value)


def bare_column(node: Node) -> str | None:
    """The column's name, when the expression is nothing but a reference to it."""
    return node["column_names"][-1] if node["class"] == "COLUMN_REF" else None


def made_of(node: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """Columns that selects give, each with the names that it is made of, all in lower case.

    In a union, a column of the first select is made of what stands in its place in the others.
    """
    if isinstance(node, list):
        for item in node:
            yield from made_of(item)
    elif isinstance(node, dict):
        for column in _selected(node):
            if name := column["alias"] or bare_column(column):
                yield name.lower(), frozenset(map(str.lower, column_names(column)))
        if node.get("type") == "SET_OPERATION_NODE":
            selects = [_selected(part) for part in _united(node)]
            for first, *others in zip(*selects, strict=False):
                name = first["alias"] or bare_column(first) or ""
                yield name.lower(), frozenset(map(str.lower, column_names(others)))
        for value in node.values():
            yield from made_of(value)


def ungrouped(node: Any) -> Iterator[str]:
    """Columns, in lower case, from which SQL takes points out: it says that they group."""
    if isinstance(node, list):
        for item in node:
            yield from ungrouped(item)
    elif isinstance(node, dict):
        if node.get("function_name") in _POINTS and len(node["children"]) > 2:
            text, *marks = node["children"]
            old, new = [str(mark.get("value", {}).get("value", "")) for mark in marks[:2]]
            if any(p in old for p in _POINTS[node["function_name"]]) and "." not in new:
                yield from map(str.lower, column_names(text))
        for value in node.values():
            yield from ungrouped(value)


def _selected(node: Node) -> list[Node]:
    selected = node.get("select_list")
    return selected if isinstance(selected, list) else []


def _united(node: Node) -> Iterator[Node]:
    """The selects of a union, in order."""
    if node.get("type") == "SET_OPERATION_NODE":
        for part in node.get("children") or (node["left"], node["right"]):
            yield from _united(part)
    else:
        yield node


def driving_table(node: Node) -> tuple[str, str] | None:
    """Name and alias of the first table of a plain select, whose rows the result's rows are.

    None where rows are grouped, made distinct, combined with other selects, or come first from
    something other than a table.
    """
    if node["type"] != "SELECT_NODE" or node["group_expressions"] or node["having"]:
        return None
    if node["aggregate_handling"] != "STANDARD_HANDLING":  # group by all
        return None
    if any(modifier["type"] == "DISTINCT_MODIFIER" for modifier in node["modifiers"]):
        return None
    table = node["from_table"]
    while table["type"] == "JOIN":
        table = table["left"]
    if table["type"] != "BASE_TABLE" or table["table_name"] not in set(table_names(node)):
        return None
    return table["table_name"], table["alias"] or table["table_name"]


def select_also(connection: duckdb.DuckDBPyConnection, sql: str, expression: str) -> str:
    """The statement with one more column in its outermost select list."""
    tree = _serialized(connection, sql)
    added = parse(connection, f"select {expression}")["select_list"][0]
    tree["statements"][0]["node"]["select_list"].append(added)
    row = connection.execute("select json_deserialize_sql(?)", [json.dumps(tree)]).fetchone()
    assert row is not None
    return str(row[0])


def _is_recursive(value: Node) -> bool:
    return value["query"]["node"]["type"] == "RECURSIVE_CTE_NODE"
