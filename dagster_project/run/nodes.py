"""What a whole build leaves for increments on it: each model and test, with its compiled SQL.

An increment runs the same SQL for other moments. The run's own values say in it which they are
(dbt/macros/run.sql), so that it can be had for those of another run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dagster_project.run.dbt_project import ROOMS

RUN_VALUE = re.compile(r"'([^']*)'\s*/\* (SALESOPS_[A-Z_]+) \*/")
MADE = ("model", "seed", "test")
BUILD = "build"
"""The schema of what builds leave for the next one, and of the sets of records."""
STANDING = "standing"
"""The tag of what is made of definitions alone."""
OWN = tuple(f"models/{room}/" for room in ROOMS.values())


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
    onwards: bool


@dataclass(frozen=True)
class Cells:
    """A model lists the cells of another that differ: `columns` are names, and SQL of a row."""

    of: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Node:
    """A model or test: `sql` is its query, `parents` the names of the models that it reads.

    `sources` are the schemas that it reads of which nothing is made, `is_own` says whether the
    company has written it, `failures` how many rows failed a test that warns. A set of records that
    are others than in a table of the last build says of which.
    """

    unique_id: str
    name: str
    resource_type: str
    materialized: str
    relation: str
    path: str
    sql: str
    parents: tuple[str, ...]
    sources: tuple[str, ...]
    is_standing: bool
    is_warning: bool
    is_own: bool
    failures: int
    reading: Reading | None
    cells: Cells | None
    differs_from: str | None

    @classmethod
    def of(cls, node: Any, failures: int) -> Node:
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
            _with_marks(getattr(node, "compiled_code", None) or ""),
            tuple(name for kind, _, name, *_ in parents if kind in MADE),
            tuple({name for kind, _, name, *_ in parents if kind == "source"}),
            STANDING in config.tags,
            str(getattr(config, "severity", "")).lower() == "warn",
            str(node.original_file_path).startswith(OWN),
            failures,
            _reading(told) if told else None,
            Cells(**cells) if cells else None,
            meta.get("differs_from"),
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

    def made(self, values: Mapping[str, str], failures: int) -> Node:
        """What it is to the next build, once it is made with the values of a run."""
        return replace(self, sql=self.sql_of(values), failures=failures)

    @property
    def is_of_run(self) -> bool:
        """Whether its query depends on the run's own values."""
        return RUN_VALUE.search(self.sql) is not None


def of_run(sql: str, values: Mapping[str, str]) -> str:
    """SQL with the values of a run."""
    return RUN_VALUE.sub(lambda found: _marked(values[found[2]], found[2]), sql)


def made(built: Iterable[Any], failures: Mapping[str, int]) -> dict[str, Node]:
    """Of the nodes that dbt has built, the models, seeds and tests, by name.

    `failures` are the rows that failed tests, by unique id.
    """
    nodes = (one for one in built if one.resource_type in MADE)
    return {one.name: Node.of(one, failures.get(one.unique_id, 0)) for one in nodes}


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
                "sources": tuple(told["sources"]),
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


def _with_marks(sql: str) -> str:
    """A query with the run's values as they are put into it for another run."""
    return RUN_VALUE.sub(lambda found: _marked(found[1], found[2]), sql)


def _marked(value: str, name: str) -> str:
    return f"'{value}' /* {name} */"


def _reading(told: Mapping[str, Any]) -> Reading:
    of = {name: (mine, its) for name, (mine, its) in told["of"].items()}
    return Reading(**{**told, "of": of, "apart": tuple(told["apart"])})
