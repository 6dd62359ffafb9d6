"""What a whole build leaves for increments on it: each model and test, with its compiled SQL.

An increment runs the same SQL for other moments. The run's own values say in it which they are
(dbt/macros/run.sql), so that it can be had for those of another run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

RUN_VALUE = re.compile(r"'[^']*'\s*/\* (SALESOPS_[A-Z_]+) \*/")
MADE = ("model", "seed", "test")
BUILD = "build"
"""The schema of what builds leave for the next one, and of the sets of records."""
STANDING = "standing"
"""The tag of what is made of definitions alone."""


@dataclass(frozen=True)
class Reading:
    """How a model is recomputed by record, as macros/increments.sql explains."""

    set: str
    key: str
    of: Mapping[str, tuple[str, str]]
    compared: Mapping[str, str]
    apart: tuple[str, ...]
    wholly: str | None
    stamps: Mapping[str, str]
    by_month: bool


@dataclass(frozen=True)
class Cells:
    """A model lists the cells of another that differ: `columns` are names, and SQL of a row."""

    of: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Node:
    """A model or test: `sql` is its query, `parents` the names of the models that it reads."""

    unique_id: str
    name: str
    resource_type: str
    materialized: str
    relation: str
    path: str
    sql: str
    parents: tuple[str, ...]
    is_standing: bool
    is_warning: bool
    reading: Reading | None
    cells: Cells | None

    @classmethod
    def of(cls, node: Any) -> Node:
        """One of the nodes that dbt has built."""
        config = node.config
        meta = config.meta if node.resource_type == "model" else {}
        told, cells = meta.get("increment"), meta.get("cells")
        parents = [parent.split(".") for parent in node.depends_on_nodes]
        return cls(
            node.unique_id,
            node.name,
            str(node.resource_type),
            config.materialized,
            node.relation_name or "",
            node.original_file_path,
            getattr(node, "compiled_code", None) or "",
            tuple(name for kind, _, name, *_ in parents if kind in MADE),
            STANDING in config.tags,
            str(getattr(config, "severity", "")).lower() == "warn",
            _reading(told) if told else None,
            Cells(**cells) if cells else None,
        )

    def sql_of(self, values: Mapping[str, str]) -> str:
        """Its query with the values of a run."""
        return of_run(self.sql, values)

    def check(self, values: Mapping[str, str]) -> None:
        """Raise ValueError where its query has a moment of the run without saying which."""
        rest = RUN_VALUE.sub("", self.sql)
        for name in ("SALESOPS_AS_OF", "SALESOPS_KNOWN_AT"):
            if values[name] in rest:
                raise ValueError(f"{self.name}: its SQL has {name} unmarked: see macros/run.sql")

    @property
    def is_of_run(self) -> bool:
        """Whether its query depends on the run's own values."""
        return RUN_VALUE.search(self.sql) is not None


def of_run(sql: str, values: Mapping[str, str]) -> str:
    """SQL with the values of a run."""
    return RUN_VALUE.sub(lambda found: f"'{values[found[1]]}' /* {found[1]} */", sql)


def made(built: Iterable[Any]) -> dict[str, Node]:
    """Of the nodes that dbt has built, the models, seeds and tests, by name."""
    return {one.name: Node.of(one) for one in built if one.resource_type in MADE}


def as_json(nodes: Iterable[Node]) -> str:
    """The nodes as text, in their order."""
    return json.dumps([asdict(node) for node in nodes])


def from_json(text: str) -> dict[str, Node]:
    """The nodes that a text tells, by name, in their order."""
    found = [
        Node(
            **told
            | {
                "parents": tuple(told["parents"]),
                "reading": _reading(told["reading"]) if told["reading"] else None,
                "cells": Cells(**told["cells"]) if told["cells"] else None,
            }
        )
        for told in json.loads(text)
    ]
    return {node.name: node for node in found}


def resting_on(nodes: Mapping[str, Node], name: str) -> list[Node]:
    """A model and all that it rests on, in the order of the nodes."""
    found, todo = set(), [name]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += nodes[one].parents
    return [node for node in nodes.values() if node.name in found]


def _reading(told: Mapping[str, Any]) -> Reading:
    of = {name: (mine, its) for name, (mine, its) in told["of"].items()}
    return Reading(**{**told, "of": of, "apart": tuple(told["apart"])})
