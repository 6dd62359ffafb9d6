"""Models as dbt has compiled them once, built for other moments without dbt's own time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from ingestion.company import Company
from ingestion.paths import CompanyPaths


def _literal(moment: dt.datetime) -> str:
    return f"'{moment.isoformat(' ', 'microseconds')}'"


@dataclass(frozen=True)
class CompiledModels:
    """The statements of a build by model, in order; the moments are literals in them."""

    warehouse: Path
    statements: Mapping[str, str]
    parents: Mapping[str, list[str]]
    schemas: frozenset[str]
    as_of: dt.datetime
    known_at: dt.datetime

    @classmethod
    def of(cls, company: Company, as_of: dt.datetime, known_at: dt.datetime) -> CompiledModels:
        """Those of the company's last build, which was of these moments."""
        paths = CompanyPaths.of(company)
        manifest = json.loads((paths.dbt / "target" / "manifest.json").read_bytes())
        parents = manifest["parent_map"]
        nodes = [manifest["nodes"].get(name) for name in TopologicalSorter(parents).static_order()]
        statements = {
            node["unique_id"]: f"create or replace {node['config']['materialized']} "
            f"{node['schema']}.{node['alias']} as {node['compiled_code']}"
            for node in nodes
            if node and node["resource_type"] == "model" and node.get("compiled_code")
        }
        schemas = frozenset(node["schema"] for node in nodes if node)
        return cls(paths.warehouse, statements, parents, schemas, as_of, known_at)

    def build(self, as_of: dt.datetime, known_at: dt.datetime, models: Iterable[str]) -> None:
        """Build models, and what they rest on, as of another moment and as known at another."""
        needed = self._with_parents(f"model.salesops.{model}" for model in models)
        with duckdb.connect(self.warehouse) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for schema in self.schemas:
                connection.execute(f"create schema if not exists {schema}")
            for model, statement in self.statements.items():
                if model in needed:
                    moved = statement.replace(_literal(self.as_of), _literal(as_of))
                    connection.execute(moved.replace(_literal(self.known_at), _literal(known_at)))

    def _with_parents(self, models: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = list(models)
        while todo:
            model = todo.pop()
            if model not in found:
                found.add(model)
                todo += self.parents.get(model, [])
        return found
