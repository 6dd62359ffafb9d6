"""Rows of a company as tables of a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


def columns(row: Row) -> str:
    """A row, its columns one below the other."""
    return "\n".join(
        ["| column | value |", "|---|---|", *(f"| `{k}` | {cell(v)} |" for k, v in row.items())]
    )


def table(rows: Iterable[Row]) -> str:
    """Rows one below the other."""
    rows = list(rows)
    heads = [f"`{name}`" for name in rows[0]]
    cells = [[cell(value) for value in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, ["---"] * len(heads), *cells])


def cell(value: object) -> str:
    """A value as pages show it."""
    match value:
        case None:
            return ""
        case dt.datetime():
            return value.replace(tzinfo=None).isoformat(" ", "seconds")
        case Decimal() | float():
            return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)
